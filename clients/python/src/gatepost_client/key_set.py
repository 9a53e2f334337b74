"""The keys that verify access tokens: kept for a while, and asked for again when a token names an unknown one."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import monotonic

from gatepost_client.counters import Counters
from gatepost_client.errors import GatepostError, VerifierUnavailableError
from gatepost_client.keys import VerifyingKey

log = logging.getLogger(__name__)

# A token of a forged key id must not make a call of its own.
_LEAST_SECONDS_BETWEEN = 1.0
_AFTER_FAILURE_SECONDS = 0.1
_JITTER = 0.2

Fetch = Callable[[], Awaitable[dict[str, VerifyingKey]]]


class KeySet:
    """The keys, by id."""

    def __init__(self, fetch: Fetch, *, max_age: timedelta, counters: Counters) -> None:
        """No keys yet; `fetch` gets them and raises GatepostError."""
        self._fetch = fetch
        self._max_age_seconds = max_age.total_seconds()
        self._counters = counters
        self._keys: dict[str, VerifyingKey] | None = None
        self._revoked: set[str] = set()
        self._asked_at = float("-inf")
        self._is_fresh = False
        self._fetching: asyncio.Task[None] | None = None

    @property
    def are_known(self) -> bool:
        """Whether Gatepost has told its keys."""
        return self._keys is not None

    async def wait_known(self) -> None:
        """Returns once the keys are known."""
        while not self.are_known:
            await self.refresh()
            if not self.are_known:
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)

    async def find(self, key_id: str) -> VerifyingKey | None:
        """The key of this id, or None if Gatepost has none; asked of it where we do not know.

        Raises:
            VerifierUnavailableError: we do not know, and Gatepost cannot be asked.
        """
        found = self._find_known(key_id)
        if found is not None or self.is_revoked(key_id):
            return found
        least = _LEAST_SECONDS_BETWEEN if self._is_fresh else _AFTER_FAILURE_SECONDS
        if monotonic() - self._asked_at >= least or self._fetching is not None:
            await self.refresh()
            found = self._find_known(key_id)
        if found is None and not self._is_fresh:
            raise VerifierUnavailableError("the keys cannot be asked for")
        return found

    async def refresh(self) -> None:
        """Asks for the keys; whoever comes meanwhile waits for the same answer. What fails is logged."""
        if self._fetching is None:
            self._asked_at = monotonic()
            self._fetching = asyncio.create_task(self._refresh())
            self._fetching.add_done_callback(self._fetched)
        # One who stops waiting must not take the answer from the others.
        await asyncio.shield(self._fetching)

    def revoke(self, key_id: str) -> None:
        """The key is good for nothing from now on, whatever is published."""
        self._revoked.add(key_id)
        if self._keys is not None:
            self._keys.pop(key_id, None)

    def is_revoked(self, key_id: str) -> bool:
        """Whether the key was revoked, as far as we have heard."""
        return key_id in self._revoked

    async def keep_fresh(self) -> None:
        """Asks again and again, each time before the keys grow older than they may; for ever."""
        while True:
            await self.refresh()
            wait = self._max_age_seconds if self._is_fresh else _LEAST_SECONDS_BETWEEN
            await asyncio.sleep(wait * (1 - _JITTER * random.random()))  # noqa: S311 (spreads load, hides nothing)

    async def close(self) -> None:
        """Ends the question that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _find_known(self, key_id: str) -> VerifyingKey | None:
        return self._keys.get(key_id) if self._keys is not None else None

    async def _refresh(self) -> None:
        self._counters.key_fetches += 1
        try:
            published = await self._fetch()
        except GatepostError as error:
            # Old keys stay: one that must not be used any more is revoked, which the stream says.
            self._is_fresh = False
            log.warning("keys not refreshed: %s", error)
            return
        self._keys = {key_id: key for key_id, key in published.items() if key_id not in self._revoked}
        self._is_fresh = True

    def _fetched(self, _: asyncio.Task[None]) -> None:
        self._fetching = None
