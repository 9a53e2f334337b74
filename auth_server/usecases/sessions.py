"""NextAuth's sessions, as they begin and end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.adapter import Session
from auth_server.domain.audit_events import AuditEvent
from auth_server.storage import audit, sessions
from auth_server.storage.database import Database


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
        entry = await audit.entry_of(self.db, AuditEvent.SESSION_STARTED, session.user_id, self.clock())
        return await sessions.create(self.db, session, token_hash, entry)

    async def end(self, token_hash: bytes) -> Session | None:
        """The session as it was, which is no more."""
        owner = await sessions.find_owner(self.db, token_hash)
        if owner is None:
            return None
        entry = await audit.entry_of(self.db, AuditEvent.SESSION_ENDED, owner, self.clock())
        return await sessions.delete(self.db, token_hash, entry)
