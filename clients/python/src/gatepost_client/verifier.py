"""Judges access tokens in this process, and knows within a second which of them are revoked."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from types import TracebackType
from typing import Protocol, Self

from gatepost_client import jws
from gatepost_client.claims import Claims, TokenRules
from gatepost_client.contract.keys_service_pb2 import GetJsonWebKeySetRequest
from gatepost_client.contract.keys_service_pb2_grpc import KeysServiceStub
from gatepost_client.contract.token_service_pb2 import Revocation
from gatepost_client.counters import Counters
from gatepost_client.errors import AccessTokenInvalidError, VerifierUnavailableError
from gatepost_client.key_set import KeySet
from gatepost_client.keys import VerifyingKey, verifying_keys
from gatepost_client.questions import HasTokens, Questions
from gatepost_client.revocations import Revocations
from gatepost_client.stream import RevocationStream

log = logging.getLogger(__name__)

_KEYS_DEADLINE_SECONDS = 2.0
_FORGET_EVERY_SECONDS = 10.0


class Client(HasTokens, Protocol):
    """What a verifier needs of a client."""

    @property
    def keys(self) -> KeysServiceStub:
        """The stub of KeysService."""


class AccessTokenVerifier:
    """Verifies access tokens by Gatepost's public keys and its stream of revocations.

    Use it as an async context manager: it follows the stream and keeps the keys fresh meanwhile. While the stream is
    in sync no token costs a call. While it is not, the server is asked about each token, at most once a second. While
    it cannot be asked either, tokens are still taken until `stale_after` has passed since the stream was last in
    sync, then refused as not to be judged; `accept_unreachable_for` makes that later.
    """

    def __init__(
        self,
        client: Client,
        *,
        issuer: str = "gatepost",
        audience: str = "gatepost",
        leeway: timedelta = timedelta(seconds=5),
        longest_token_life: timedelta = timedelta(minutes=15),
        keys_max_age: timedelta = timedelta(minutes=5),
        stale_after: timedelta = timedelta(seconds=6),
        accept_unreachable_for: timedelta = timedelta(0),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """A verifier that knows nothing yet.

        `issuer` and `audience` are the server's GATEPOST_ISSUER and GATEPOST_AUDIENCE; `longest_token_life` is at
        least its GATEPOST_ACCESS_TOKEN_LIFE. `clock` tells the seconds since 1970.
        """
        self._rules = TokenRules(issuer, audience, leeway, longest_token_life)
        self._clock = clock
        self._accept_unheard_seconds = (stale_after + accept_unreachable_for).total_seconds()
        self.counters = Counters()
        self._client = client
        self._keys = KeySet(self._fetch_keys, max_age=keys_max_age, counters=self.counters)
        # The clocks of the servers, which say when something ended and when a token was made, differ a little too.
        self._revocations = Revocations(keep=longest_token_life + 2 * leeway)
        self._stream = RevocationStream(client, self._apply, stale_after=stale_after, counters=self.counters)
        self._questions = Questions(client, self.counters)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def in_sync(self) -> bool:
        """Whether keys are known and revocations arrive: tokens are judged without a call."""
        return self._stream.in_sync and self._keys.are_known

    async def wait_in_sync(self, within: timedelta = timedelta(seconds=10)) -> None:
        """Returns once it is in sync.

        Raises:
            TimeoutError: it is not, after so long.
        """
        async with asyncio.timeout(within.total_seconds()):
            await self._keys.wait_known()
            await self._stream.wait_in_sync()

    async def verify(self, token: str) -> Claims:
        """What the token says, if it is good now.

        Raises:
            AccessTokenInvalidError: it is not.
            VerifierUnavailableError: that cannot be said now.
        """
        try:
            claims = await self._judged(token)
        except AccessTokenInvalidError as error:
            self.counters.refused[error.why] += 1
            raise
        except VerifierUnavailableError:
            self.counters.unavailable += 1
            raise
        self.counters.accepted += 1
        return claims

    def is_still_good(self, claims: Claims) -> bool:
        """Whether verified claims hold now, as far as this process has heard: for calls that stay open for long."""
        expires = claims.expire_time.timestamp() + self._rules.leeway.total_seconds()
        is_revoked = self._revocations.cover(claims) or self._keys.is_revoked(claims.key_id)
        return self._clock() < expires and not is_revoked

    async def __aenter__(self) -> Self:
        work = (self._keys.keep_fresh(), self._stream.follow(), self._forget())
        self._tasks = [asyncio.create_task(each) for each in work]
        for task in self._tasks:
            task.add_done_callback(_tell_end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._keys.close()
        await self._questions.close()

    async def _judged(self, text: str) -> Claims:
        token = jws.read(text)
        key = await self._keys.find(token.key_id)
        if key is None:
            raise AccessTokenInvalidError("key")
        # The key says which algorithm it is for, never the token (RFC 8725, section 3.1).
        if token.algorithm != key.algorithm or not key.is_good(token.signed, token.signature):
            raise AccessTokenInvalidError("signature")
        claims = self._rules.claims_of(jws.payload_of(token), token.key_id, self._clock())
        if self._revocations.cover(claims):
            raise AccessTokenInvalidError("revoked")
        return claims if self._stream.in_sync else await self._asked(text, claims)

    async def _asked(self, text: str, claims: Claims) -> Claims:
        try:
            role = await self._questions.find_role(text)
        except VerifierUnavailableError:
            if self._stream.unheard_seconds >= self._accept_unheard_seconds:
                raise
            self.counters.accepted_unheard += 1
            return claims
        if role is None:
            raise AccessTokenInvalidError("revoked")
        return replace(claims, role=role)

    async def _fetch_keys(self) -> dict[str, VerifyingKey]:
        answer = await self._client.keys.GetJsonWebKeySet(GetJsonWebKeySetRequest(), timeout=_KEYS_DEADLINE_SECONDS)
        return verifying_keys(answer.keys)

    def _apply(self, revocation: Revocation) -> None:
        at = revocation.revoke_time.ToDatetime(UTC)
        match revocation.WhichOneof("subject"):
            case "sign_in_id":
                self._revocations.end_sign_in(revocation.sign_in_id, at)
            case "user_id":
                self._revocations.end_user(revocation.user_id, at)
            case "key_id":
                self._keys.revoke(revocation.key_id)
            case None:
                log.warning("a revocation of a kind that this release does not know: update gatepost-client")

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(_FORGET_EVERY_SECONDS)
            self._revocations.forget(self._clock())
            self._questions.forget()


def _tell_end(task: asyncio.Task[None]) -> None:
    """Logs why work that goes on for ever has ended; the server is asked about each token from then on."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the verifier follows Gatepost no more", exc_info=error)
