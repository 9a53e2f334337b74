"""Watching the revocation log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from auth_server.domain.errors import DatabaseUnavailableError, ServerStoppingError
from auth_server.domain.revocations import BEGINNING, Look, Position, Revocation, position_of
from auth_server.storage import revocations
from auth_server.storage.database import Db
from auth_server.usecases.revocation_tail import RevocationTail

HEARTBEAT_SECONDS = 2.0
PAGE = 500


@dataclass(frozen=True, slots=True)
class InSync:
    """All that was revoked before has been told."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing more was revoked."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a watcher is told, and the cursor that goes on behind it."""

    event: Revocation | InSync | Heartbeat
    cursor: str


@dataclass(frozen=True, slots=True)
class Revocations:
    """The log of revocations as services see it."""

    db: Db
    tail: RevocationTail
    heartbeat_seconds: float = HEARTBEAT_SECONDS

    def watch(self, cursor: str) -> AsyncIterator[Told]:
        """What the cursor does not know of, and then what comes, without end.

        Raises:
            RevocationCursorInvalidError: it is no cursor.

        Raises, from the iterator:
            ServerStoppingError: the server stops.
            DatabaseUnavailableError: nobody can know what is revoked now.
        """
        return _Watch(self, position_of(cursor)).told()


class _Watch:
    """One watcher, and the position up to which it has been told all."""

    def __init__(self, log: Revocations, position: Position) -> None:
        self._log = log
        self._tail = log.tail
        self._position = position

    async def told(self) -> AsyncIterator[Told]:
        """Entry after entry, and signs of life between them."""
        is_in_sync = False
        while True:
            # Taken before the log is read: what is committed behind the reader's back comes with a look from here on.
            number = self._tail.next
            async for told in self._behind():
                yield told
            if not is_in_sync:
                is_in_sync = True
                yield Told(InSync(), self._position.cursor)
            async for told in self._live(number):
                yield told

    async def _behind(self) -> AsyncIterator[Told]:
        """The entries that the position has not seen; the position has then."""
        look = await self._look()
        if self._position != BEGINNING and not self._position.is_before(look.position):
            self._position = BEGINNING
            look = await self._look()
        seen = look.position
        while look.entries:
            for entry in look.entries:
                yield Told(entry, self._position.cursor)
            look = await self._look((look.entries[-1].transaction, look.entries[-1].number))
        self._position = seen

    async def _live(self, number: int) -> AsyncIterator[Told]:
        """What the tail sees from this look on, until it does not keep all of it."""
        while (looks := self._tail.since(number)) is not None:
            for look in looks:
                for entry in look.entries[:-1]:
                    yield Told(entry, self._position.cursor)
                self._position = look.position
                yield Told(look.entries[-1], self._position.cursor)
                number += 1
            if looks:
                continue
            self._check()
            await self._tail.changed(self._log.heartbeat_seconds)
            self._check()
            if self._tail.next == number:
                if not self._tail.is_fresh:
                    raise DatabaseUnavailableError
                self._position = self._tail.position
                yield Told(Heartbeat(), self._position.cursor)

    async def _look(self, last: tuple[int, int] = (-1, -1)) -> Look:
        self._check()
        after = self._tail.matters_since()
        return await revocations.since(self._log.db, self._position, revoked_after=after, last=last, limit=PAGE)

    def _check(self) -> None:
        if self._tail.stopping:
            raise ServerStoppingError
