"""What users and operators do with sign-ins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_server.domain import page_tokens
from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.errors import SignInNotFoundError
from auth_server.domain.ids import find_id, get_user_id
from auth_server.domain.sign_ins import LiveSignIn
from auth_server.storage import audit, sign_ins
from auth_server.storage.database import Database, Db


@dataclass(frozen=True, slots=True)
class Page:
    """Some sign-ins, and the token of those that follow; empty on the last page."""

    sign_ins: Sequence[LiveSignIn]
    next_token: str


@dataclass(frozen=True, slots=True)
class SignIns:
    """Listing and ending sign-ins.

    Raises, from every method:
        UserNotFoundError: the user's id is none.
    """

    db: Database
    page_token_key: bytes
    clock: Callable[[], datetime]

    async def page(self, user_id: str, size: int, token: str) -> Page:
        """A page of the user's sign-ins that live, the newest first.

        Raises:
            PageTokenInvalidError: the token is not ours, or of another user.
        """
        owner = get_user_id(user_id)
        before = page_tokens.row_before(token, str(owner), self.page_token_key) if token else None
        size = page_tokens.size_of(size)
        found = await sign_ins.page(self.db, owner, before, size + 1, self.clock())
        shown = found[:size]
        if len(shown) == len(found):
            return Page(shown, "")
        return Page(shown, page_tokens.token_after(shown[-1].id, str(owner), self.page_token_key))

    async def end(self, user_id: str, sign_in_id: str) -> None:
        """Ends one of the user's sign-ins.

        Raises:
            SignInNotFoundError: the user has none of this id that lives.
        """
        owner, wanted = get_user_id(user_id), find_id(sign_in_id)
        if wanted is None:
            raise SignInNotFoundError
        now = self.clock()
        entry = await audit.entry_of(self.db, AuditEvent.SIGN_IN_ENDED, owner, now)
        if not await sign_ins.end(self.db, wanted, owner, "ended", now, entry=entry):
            raise SignInNotFoundError

    async def end_all(self, user_id: str, but: UUID | None) -> None:
        """Ends all of the user's sign-ins but this one, and all of their NextAuth sessions."""
        owner = get_user_id(user_id)

        async def work(db: Db) -> None:
            now = self.clock()
            await sign_ins.end_all(db, owner, but, "ended", now)
            await audit.record(db, AuditEvent.SIGN_INS_ENDED, owner, now)

        await self.db.transaction(work)
