"""What operators do with the mails that wait or have failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain import page_tokens
from auth_server.domain.audit_events import About, AuditEvent
from auth_server.domain.errors import MailNotFoundError
from auth_server.domain.ids import find_id
from auth_server.domain.mails import GIVE_UP_AFTER, MailNote, OwnedMail
from auth_server.storage import audit, mails
from auth_server.storage.database import Database, Db

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Some mails, and the token of those that follow; empty on the last page."""

    mails: Sequence[MailNote]
    next_token: str


@dataclass(frozen=True, slots=True)
class Mails:
    """Listing, redriving and dropping mails; what is done to each is audited."""

    db: Database
    page_token_key: bytes
    clock: Callable[[], datetime]

    async def page(self, size: int, token: str, *, dead: bool) -> Page:
        """A page of mails, the oldest first; only dead ones where that is asked.

        Raises:
            PageTokenInvalidError: the token is not ours, or of the other list.
        """
        search = "dead" if dead else "all"
        after = page_tokens.row_before(token, search, self.page_token_key) if token else None
        size = page_tokens.size_of(size)
        found = await mails.page(self.db, after, size + 1, dead=dead)
        shown = found[:size]
        if len(shown) == len(found):
            return Page(shown, "")
        return Page(shown, page_tokens.token_after(shown[-1].id, search, self.page_token_key))

    async def redrive(self, mail_id: str) -> None:
        """Has a dead mail sent after all.

        Raises:
            MailNotFoundError: there is no dead mail of this id.
        """
        wanted, now = find_id(mail_id), self.clock()

        async def redriven(db: Db) -> list[OwnedMail]:
            found = wanted and await mails.redrive(db, wanted, now=now, give_up_at=now + GIVE_UP_AFTER)
            return [found] if found else []

        if not await self._audited(AuditEvent.MAIL_REDRIVEN, redriven, now):
            raise MailNotFoundError

    async def redrive_dead(self) -> int:
        """How many dead mails are sent after all; a batch of the oldest ones."""
        now = self.clock()

        async def redriven(db: Db) -> list[OwnedMail]:
            return await mails.redrive_dead(db, BATCH, now=now, give_up_at=now + GIVE_UP_AFTER)

        return await self._audited(AuditEvent.MAIL_REDRIVEN, redriven, now)

    async def drop(self, mail_id: str) -> None:
        """Deletes a mail with all that it holds.

        Raises:
            MailNotFoundError: there is no mail of this id.
        """
        wanted = find_id(mail_id)

        async def dropped(db: Db) -> list[OwnedMail]:
            found = wanted and await mails.drop(db, wanted)
            return [found] if found else []

        if not await self._audited(AuditEvent.MAIL_DROPPED, dropped, self.clock()):
            raise MailNotFoundError

    async def drop_dead(self) -> int:
        """How many dead mails were deleted; a batch of the oldest ones."""

        async def dropped(db: Db) -> list[OwnedMail]:
            return await mails.drop_dead(db, BATCH)

        return await self._audited(AuditEvent.MAIL_DROPPED, dropped, self.clock())

    async def _audited(
        self, event: AuditEvent, change: Callable[[Db], Awaitable[list[OwnedMail]]], now: datetime
    ) -> int:
        """How many mails the change was made to, each of which gets the event with it."""

        async def work(db: Db) -> int:
            changed = await change(db)
            about = [About(mail.user_id, f"mail:{mail.id}") for mail in changed]
            if about:
                await audit.record_each(db, event, about, now)
            return len(about)

        return await self.db.transaction(work)
