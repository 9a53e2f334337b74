"""Reading the audit log: page by page for operators, and as it grows for whoever keeps watch."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from auth_server.domain import page_tokens
from auth_server.domain.audit_chain import Link
from auth_server.domain.audit_seal import AuditSeal, Personal
from auth_server.domain.errors import EventCursorInvalidError, ServerStoppingError
from auth_server.domain.ids import get_user_id
from auth_server.domain.secrets import SealBrokenError
from auth_server.domain.stored_events import StoredEvent
from auth_server.storage import audit_reading
from auth_server.storage.audit_reading import PlacedEvent
from auth_server.storage.database import Db

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 2.0
BATCH = 200

_CURSOR = re.compile(r"1-(?P<position>[0-9a-f]{1,15})-(?P<hash>[0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An event in its place, and what was personal in it as far as it can still be read."""

    link: Link
    event: StoredEvent
    personal: Personal


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, and the token of those that follow; empty on the last page."""

    events: Sequence[ToldEvent]
    next_token: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a watcher is told: an event, or nothing but that the stream lives; and the cursor that goes on behind it."""

    event: ToldEvent | None
    cursor: str


@dataclass(frozen=True, slots=True)
class AuditReading:
    """The audit log as others see it. Events are told once they have their place, a second after they happened."""

    db: Db
    seal: AuditSeal
    page_token_key: bytes
    is_stopping: Callable[[], bool] = lambda: False
    poll_seconds: float = POLL_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS

    async def page(self, size: int, token: str, user_id: str, name: str) -> Page:
        """A page of events, the newest first: all, or a user's, or those of this name.

        Raises:
            UserNotFoundError: the user's id is none.
            PageTokenInvalidError: the token is not ours, or of another search.
        """
        whose = get_user_id(user_id) if user_id else None
        search = f"{whose or ''} {name}"
        before = page_tokens.row_before(token, search, self.page_token_key).int if token else None
        size = page_tokens.size_of(size)
        found = await audit_reading.page(self.db, before, whose, name, size + 1)
        shown = [self._told(each) for each in found[:size]]
        if len(shown) == len(found):
            return Page(shown, "")
        last = UUID(int=shown[-1].link.position)
        return Page(shown, page_tokens.token_after(last, search, self.page_token_key))

    async def all_events(self, after: int = 0) -> AsyncIterator[ToldEvent]:
        """Every event from behind this position on, up to the last one there is."""
        while found := await audit_reading.following(self.db, after, BATCH):
            for each in found:
                yield self._told(each)
            after = found[-1].link.position

    async def watch(self, cursor: str) -> AsyncIterator[Told]:
        """What comes behind the cursor, all there is where it is empty, and then what comes, without end.

        Raises:
            EventCursorInvalidError: it is no cursor, or of a log that was put back to an earlier moment since.

        Raises, from the iterator:
            EventCursorInvalidError: the log was put back meanwhile, so that what was told is no part of it.
            ServerStoppingError: the server stops.
        """
        position = 0
        if cursor:
            found = _CURSOR.fullmatch(cursor)
            if found is None:
                raise EventCursorInvalidError
            position = int(found["position"], 16)
            await self._check(position, cursor)
        return self._following(position, cursor)

    async def _check(self, position: int, cursor: str) -> None:
        """Passes if the log still holds what the cursor is of; one whose event has had its time goes on.

        Raises:
            EventCursorInvalidError: it does not.
        """
        first, last, link_hash = await audit_reading.ends(self.db, position)
        if position > last or (position >= first and _cursor_of(position, link_hash or b"") != cursor):
            raise EventCursorInvalidError

    async def _following(self, position: int, cursor: str) -> AsyncIterator[Told]:
        loop = asyncio.get_running_loop()
        told_at = loop.time()
        while True:
            if self.is_stopping():
                raise ServerStoppingError
            found = await audit_reading.following(self.db, position, BATCH)
            is_due = loop.time() - told_at >= self.heartbeat_seconds
            if cursor and (found or is_due):
                # Else what took the place of events that were told would be passed over in silence.
                await self._check(position, cursor)
            for each in found:
                position, cursor = each.link.position, _cursor_of(each.link.position, each.link.hash)
                yield Told(self._told(each), cursor)
            if found:
                told_at = loop.time()
                continue
            if is_due:
                told_at = loop.time()
                yield Told(None, cursor)
            await asyncio.sleep(self.poll_seconds)

    def _told(self, placed: PlacedEvent) -> ToldEvent:
        try:
            personal = self.seal.personal_of(placed.event, placed.key)
        except SealBrokenError:  # one that was tampered with must not hide the others
            personal = Personal()
        return ToldEvent(placed.link, placed.event, personal)


def _cursor_of(position: int, link_hash: bytes) -> str:
    return f"1-{position:x}-{link_hash[:8].hex()}"
