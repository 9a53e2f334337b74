"""NextAuth's sessions, as they begin, change and end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from auth_server.domain.adapter import Session
from auth_server.domain.audit_events import AuditEvent, note_subject
from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.methods import Proof
from auth_server.domain.second_factor_errors import SecondFactorRequiredError
from auth_server.storage import audit, sessions
from auth_server.storage.database import Database, Db
from auth_server.usecases.second_factors import SecondFactors


@dataclass(frozen=True, slots=True)
class Sessions:
    """What is judged and audited of sessions; all else the adapter asks storage itself."""

    db: Database
    second_factors: SecondFactors
    clock: Callable[[], datetime]

    async def start(self, session: Session, token_hash: bytes, code: str) -> Session:
        """The session as stored; the code is looked at where the user has a second factor.

        Raises:
            SessionTokenTakenError: a session with this token exists.
            UserNotFoundError: there is no such user, or they are disabled.
            SecondFactorRequiredError: they have a second factor, and there is no code.
            SecondFactorInvalidError: the code is wrong or used.
            ThrottledError: too many codes were wrong.
        """
        entry = await audit.entry_of(self.db, AuditEvent.SESSION_STARTED, session.user_id, self.clock())
        try:
            return await sessions.create(self.db, session, token_hash, entry)
        except UserNotFoundError:
            if not await sessions.is_asked_for_second_factor(self.db, session.user_id):
                raise
        note_subject(user_id=session.user_id)
        if not code:
            raise SecondFactorRequiredError

        async def work(db: Db) -> Session:
            method = await self.second_factors.check(db, session.user_id, code)
            proof = Proof().with_second_factor(method)
            return await sessions.create(db, replace(session, methods=proof.methods), token_hash, entry)

        async with self.second_factors.counted(session.user_id):
            return await self.db.transaction(work)

    async def change(self, token_hash: bytes, user_id: UUID | None, expires: datetime | None) -> Session | None:
        """The live session of this token with a new user or end, each where it is not None; None where there is none.

        Raises:
            UserNotFoundError: there is no such user.
            SecondFactorRequiredError: it would be another's session, who has a second factor.
        """
        now = self.clock()
        changed = await sessions.change(self.db, token_hash, user_id, expires, now)
        if changed is None and user_id is not None and await sessions.is_kept_from(self.db, token_hash, user_id, now):
            note_subject(user_id=user_id)
            raise SecondFactorRequiredError
        return changed

    async def end(self, token_hash: bytes) -> Session | None:
        """The session as it was, which is no more."""
        owner = await sessions.find_owner(self.db, token_hash)
        if owner is None:
            return None
        entry = await audit.entry_of(self.db, AuditEvent.SESSION_ENDED, owner, self.clock())
        return await sessions.delete(self.db, token_hash, entry)
