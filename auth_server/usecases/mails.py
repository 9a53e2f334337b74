"""What operators do with the mails that wait or have failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain import page_tokens
from auth_server.domain.errors import MailNotFoundError
from auth_server.domain.ids import find_id
from auth_server.domain.mails import GIVE_UP_AFTER, MailNote
from auth_server.storage import mails
from auth_server.storage.database import Db

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Some mails, and the token of those that follow; empty on the last page."""

    mails: Sequence[MailNote]
    next_token: str


@dataclass(frozen=True, slots=True)
class Mails:
    """Listing, redriving and dropping mails."""

    db: Db
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
        if wanted is None or not await mails.redrive(self.db, wanted, now=now, give_up_at=now + GIVE_UP_AFTER):
            raise MailNotFoundError

    async def redrive_dead(self) -> int:
        """How many dead mails are sent after all; a batch of the oldest ones."""
        now = self.clock()
        return await mails.redrive_dead(self.db, BATCH, now=now, give_up_at=now + GIVE_UP_AFTER)

    async def drop(self, mail_id: str) -> None:
        """Deletes a mail with all that it holds.

        Raises:
            MailNotFoundError: there is no mail of this id.
        """
        wanted = find_id(mail_id)
        if wanted is None or not await mails.drop(self.db, wanted):
            raise MailNotFoundError

    async def drop_dead(self) -> int:
        """How many dead mails were deleted; a batch of the oldest ones."""
        return await mails.drop_dead(self.db, BATCH)
