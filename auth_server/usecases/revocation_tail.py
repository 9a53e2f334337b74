"""The end of the revocation log, followed once for all who watch it from this process."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from itertools import islice
from time import monotonic

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.domain.revocations import LARGEST_TRANSACTION, Look, Position
from auth_server.storage.revocations import Listening

log = logging.getLogger(__name__)

POLL_SECONDS = 0.4  # the net below NOTIFY, which some poolers do not pass on; still less than a second
PAUSE_SECONDS = 0.02  # a flood of entries is read in batches
STALE_SECONDS = 2.0
MOST_KEPT_ENTRIES = 20_000

Connect = Callable[[], AbstractAsyncContextManager[Listening]]
PRESENT = Position("", LARGEST_TRANSACTION, ())


class RevocationTail:
    """Reads new entries as they are committed, and keeps the latest looks for all watchers together.

    Looks that showed entries are numbered as they come; a watcher asks for those from a number on. Where they are not
    all kept, because it is too slow or the log is another one now, it is told so, and reads the log by itself.
    """

    def __init__(
        self, connect: Connect, matters_since: Callable[[], datetime], most_kept: int = MOST_KEPT_ENTRIES
    ) -> None:
        self._connect = connect
        self.matters_since = matters_since
        """Tells since when entries matter; those of before speak of tokens that have all expired."""
        self._most_kept = most_kept
        self._kept: deque[Look] = deque()
        self._kept_entries = 0
        self._first = 0
        self._position = PRESENT
        self._looked_at = -STALE_SECONDS
        self._changed = asyncio.Event()
        self.stopping = False

    @property
    def next(self) -> int:
        """The number that the next look will have."""
        return self._first + len(self._kept)

    @property
    def position(self) -> Position:
        """What all looks so far have seen."""
        return self._position

    @property
    def is_fresh(self) -> bool:
        """Whether the log was looked into lately, so that silence means that there is nothing to tell."""
        return monotonic() - self._looked_at < STALE_SECONDS

    def since(self, number: int) -> Sequence[Look] | None:
        """The looks from this number on; None where they are not all kept."""
        return list(islice(self._kept, number - self._first, None)) if number >= self._first else None

    async def changed(self, longest_seconds: float) -> None:
        """Waits until something is new here, at most so long."""
        try:
            async with asyncio.timeout(longest_seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def stop(self) -> None:
        """Tells every watcher that the server stops."""
        self.stopping = True
        self._wake()

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follows the log meanwhile."""
        task = asyncio.create_task(self._follow(), name="revocation tail")
        try:
            yield
        finally:
            self.stop()
            task.cancel()
            await asyncio.wait({task})

    async def _follow(self) -> None:
        while True:
            try:
                async with self._connect() as listening:
                    await self._follow_by(listening)
            except DatabaseUnavailableError as error:
                log.warning("the log of revocations cannot be read", extra={"cause": repr(error.__cause__)})
            except Exception:  # whatever it is, the next connection may go well, and nobody else is there to be told
                log.exception("the log of revocations cannot be read")
            await asyncio.sleep(POLL_SECONDS)

    async def _follow_by(self, listening: Listening) -> None:
        while True:
            limit = self._most_kept + 1
            self._take(await listening.since(self._position, revoked_after=self.matters_since(), limit=limit))
            await asyncio.sleep(PAUSE_SECONDS)
            await listening.wait(POLL_SECONDS)

    def _take(self, look: Look) -> None:
        if not self._position.is_before(look.position) or len(look.entries) > self._most_kept:
            self._begin_anew()
        elif look.entries:
            self._kept.append(look)
            self._kept_entries += len(look.entries)
            while self._kept_entries > self._most_kept:
                self._kept_entries -= len(self._kept.popleft().entries)
                self._first += 1
        self._position = look.position
        self._looked_at = monotonic()
        if look.entries:
            self._wake()

    def _begin_anew(self) -> None:
        """Sends every watcher to read the log by itself: what it has seen does not reach to the next look."""
        self._first = self.next + 1
        self._kept.clear()
        self._kept_entries = 0
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
