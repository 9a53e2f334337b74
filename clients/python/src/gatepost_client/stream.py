"""Follows the stream of revocations, for ever, and knows whether it is up to date."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from gatepost_client.contract.token_service_pb2 import Revocation, WatchRevocationsRequest
from gatepost_client.counters import Counters
from gatepost_client.errors import GatepostError
from gatepost_client.questions import HasTokens

log = logging.getLogger(__name__)

CURSOR_INVALID = "REVOCATION_CURSOR_INVALID"
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 2.0


class RevocationStream:
    """The stream, which comes back after every end at the place where it ended."""

    def __init__(
        self,
        client: HasTokens,
        apply: Callable[[Revocation], None],
        *,
        stale_after: timedelta,
        counters: Counters,
    ) -> None:
        """A stream that is not followed yet; `apply` gets each revocation at least once."""
        self._client = client
        self._apply = apply
        self._stale_seconds = stale_after.total_seconds()
        self._counters = counters
        self._cursor = ""
        self._failures = 0
        self._is_synced = False
        self._heard_at = float("-inf")
        self._synced = asyncio.Event()

    @property
    def in_sync(self) -> bool:
        """Whether every revocation is known that Gatepost has told by now."""
        return self._is_synced and monotonic() - self._heard_at < self._stale_seconds

    @property
    def unheard_seconds(self) -> float:
        """How long ago it was last in sync; infinite if never."""
        return monotonic() - self._heard_at

    async def wait_in_sync(self) -> None:
        """Returns once it is in sync."""
        while not self.in_sync:
            self._synced.clear()
            await self._synced.wait()

    async def follow(self) -> None:
        """Follows for ever. What fails is logged and tried again, at times that differ between clients."""
        while True:
            try:
                await self._follow_once()
            except TimeoutError:
                log.warning("the stream of revocations went silent")
            except GatepostError as error:
                log.warning("the stream of revocations ended: %s", error)
                if error.reason == CURSOR_INVALID:
                    self._cursor = ""
            finally:
                self._is_synced = False
            await asyncio.sleep(self._next_wait())

    async def _follow_once(self) -> None:
        self._counters.streams += 1
        call = self._client.tokens.WatchRevocations(WatchRevocationsRequest(cursor=self._cursor), wait_for_ready=True)
        messages = aiter(call)
        try:
            while True:
                async with asyncio.timeout(self._stale_seconds):
                    message = await anext(messages, None)
                if message is None:
                    return
                event = message.WhichOneof("event")
                if event == "revocation":
                    self._counters.revocations += 1
                    self._apply(message.revocation)
                elif event == "in_sync":
                    self._is_synced = True
                # Only what was applied is behind the cursor.
                self._cursor = message.cursor or self._cursor
                self._heard()
        finally:
            call.cancel()

    def _heard(self) -> None:
        self._failures = 0
        if self._is_synced:
            self._heard_at = monotonic()
            self._synced.set()

    def _next_wait(self) -> float:
        longest = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        return random.uniform(0, longest)  # noqa: S311 (spreads load, hides nothing)
