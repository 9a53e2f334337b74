"""NextAuth's sessions, as they begin and end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.adapter import Session
from auth_server.domain.audit_events import AuditEvent
from auth_server.storage import audit, sessions
from auth_server.storage.database import Database, Db


@dataclass(frozen=True, slots=True)
class Sessions:
    """What is audited of sessions; all else the adapter asks storage itself."""

    db: Database
    clock: Callable[[], datetime]

    async def start(self, session: Session, token_hash: bytes) -> Session:
        """The session as stored.

        Raises:
            SessionTokenTakenError: a session with this token exists.
            UserNotFoundError: there is no such user, or they are disabled.
        """

        async def work(db: Db) -> Session:
            started = await sessions.create(db, session, token_hash)
            await audit.record(db, AuditEvent.SESSION_STARTED, started.user_id, self.clock())
            return started

        return await self.db.transaction(work)

    async def end(self, token_hash: bytes) -> Session | None:
        """The session as it was, which is no more."""

        async def work(db: Db) -> Session | None:
            ended = await sessions.delete(db, token_hash)
            if ended is not None:
                await audit.record(db, AuditEvent.SESSION_ENDED, ended.user_id, self.clock())
            return ended

        return await self.db.transaction(work)
