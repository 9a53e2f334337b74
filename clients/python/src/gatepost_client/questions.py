"""Asks the server about a token, for the times when the stream cannot be trusted."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from gatepost_client.contract.token_service_pb2 import VerifyAccessTokenRequest
from gatepost_client.contract.token_service_pb2_grpc import TokenServiceStub
from gatepost_client.counters import Counters
from gatepost_client.errors import GatepostError, VerifierUnavailableError

log = logging.getLogger(__name__)

ACCESS_TOKEN_INVALID = "ACCESS_TOKEN_INVALID"  # noqa: S105 (a reason, no token)
# An answer is believed for as long as a revocation may take to arrive.
_ANSWER_SECONDS = 1.0
# After a question that nobody answered, the next ones do not wait for the same silence.
_SILENCE_SECONDS = 0.5
_DEADLINE_SECONDS = 2.0


class HasTokens(Protocol):
    """A client of TokenService."""

    @property
    def tokens(self) -> TokenServiceStub:
        """The stub, which may be made only when it is used: a channel needs an event loop."""


@dataclass(frozen=True, slots=True)
class _Answer:
    asked_at: float
    role: asyncio.Future[str | None]


class Questions:
    """The server's answers, each for a second."""

    def __init__(self, client: HasTokens, counters: Counters) -> None:
        """Nothing asked yet."""
        self._client = client
        self._counters = counters
        self._answers: dict[str, _Answer] = {}
        self._silent_until = float("-inf")

    async def find_role(self, token: str) -> str | None:
        """The role that the token's user has now; None if the token is not good.

        Whoever asks about the same token within a second gets the same answer.

        Raises:
            VerifierUnavailableError: the server cannot be asked.
        """
        now = monotonic()
        answer = self._answers.get(token)
        if answer is None or now - answer.asked_at >= _ANSWER_SECONDS:
            if now < self._silent_until:
                raise VerifierUnavailableError("Gatepost does not answer")
            answer = self._answers[token] = _Answer(now, asyncio.ensure_future(self._ask(token)))
        return await asyncio.shield(answer.role)

    def forget(self) -> None:
        """Drops the answers that are not believed any more."""
        oldest = monotonic() - _ANSWER_SECONDS
        for token in [token for token, answer in self._answers.items() if answer.asked_at < oldest]:
            del self._answers[token]

    async def close(self) -> None:
        """Ends the questions that are under way."""
        pending = [answer.role for answer in self._answers.values() if not answer.role.done()]
        for role in pending:
            role.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    async def _ask(self, token: str) -> str | None:
        self._counters.questions += 1
        try:
            answer = await self._client.tokens.VerifyAccessToken(
                VerifyAccessTokenRequest(access_token=token), timeout=_DEADLINE_SECONDS
            )
        except GatepostError as error:
            if error.reason == ACCESS_TOKEN_INVALID:
                return None
            log.warning("Gatepost does not judge tokens: %s", error)
            self._silent_until = monotonic() + _SILENCE_SECONDS
            self._answers.pop(token, None)
            raise VerifierUnavailableError("Gatepost does not answer") from error
        return answer.claims.role
