"""Taking a second factor away for a user who has lost it, codes and all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.budgets import Budget, Share, subject_of
from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.ids import get_user_id
from auth_server.domain.mails import MailKind
from auth_server.domain.second_factor_errors import SecondFactorNotFoundError
from auth_server.storage import audit, budgets, emails, second_factors, sign_ins
from auth_server.storage.database import Database, Db
from auth_server.usecases.notices import notify
from auth_server.usecases.outbox import Outbox


@dataclass(frozen=True, slots=True)
class SecondFactorResets:
    """What an operator does who has made sure of who asks."""

    db: Database
    outbox: Outbox
    budget_key: bytes
    clock: Callable[[], datetime]

    async def reset(self, user_id: str) -> None:
        """Takes the user's second factor away; ends all their sign-ins and sessions, and tells them by mail.

        Raises:
            UserNotFoundError: there is no such user.
            SecondFactorNotFoundError: they have no active second factor.
        """
        wanted = get_user_id(user_id)

        async def work(db: Db) -> None:
            if await emails.hold(db, wanted) is None:
                raise UserNotFoundError
            await self.take_away(db, wanted)

        await self.db.transaction(work)

    async def take_away(self, db: Db, user_id: UUID) -> None:
        """The same, in a transaction that has locked the user's row.

        Raises:
            SecondFactorNotFoundError: they have no active second factor.
        """
        if not await second_factors.remove(db, user_id):
            raise SecondFactorNotFoundError
        now = self.clock()
        await sign_ins.end_all(db, user_id, None, "ended", now)
        await audit.record(db, AuditEvent.SECOND_FACTOR_RESET, user_id, now)
        await notify(self.outbox, db, MailKind.SECOND_FACTOR_REMOVED, user_id)
        # The next one's guesses begin anew.
        subjects = [
            subject_of(self.budget_key, Budget.SECOND_FACTOR, share, str(user_id))
            for share in (Share.ACCOUNT, Share.DEVICES)
        ]
        await budgets.make_whole(db, subjects)
