"""Importing users of another system, in batches that hold all or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from auth_server.domain.audit_events import About, AuditEvent
from auth_server.domain.imported_users import ImportedUser, ImportState
from auth_server.storage import audit, imports
from auth_server.storage.database import Database, Db


class ImportOvertakenError(Exception):
    """Somebody else imports the same file."""


@dataclass(frozen=True, slots=True)
class Importing:
    """The import of one file, known by the SHA-256 of its content."""

    db: Database
    digest: bytes
    clock: Callable[[], datetime]

    async def begin(self) -> ImportState:
        """How far it is: what is done is never done again."""
        return await imports.begin(self.db, self.digest, self.clock())

    async def batch(
        self, before: ImportState, users: Sequence[ImportedUser], refused: int
    ) -> tuple[ImportState, set[UUID]]:
        """How far it is after these users and so many refused records, and the ids of those who are users by it.

        Raises:
            ImportOvertakenError: somebody else has done records of it meanwhile; nothing has changed by this.
        """

        async def work(db: Db) -> tuple[ImportState, set[UUID]]:
            now = self.clock()
            added = await imports.add(db, users, now)
            after = replace(
                before,
                records=before.records + len(users) + refused,
                imported=before.imported + len(added),
                present=before.present + len(users) - len(added),
                refused=before.refused + refused,
            )
            await self._advance(db, before, after)
            await audit.record_each(db, AuditEvent.USER_IMPORTED, [About(user_id) for user_id in added], now)
            return after, added

        return await self.db.transaction(work)

    async def end(self, state: ImportState) -> ImportState:
        """The import, done.

        Raises:
            ImportOvertakenError: somebody else has done records of it meanwhile.
        """
        ended = replace(state, ended_at=self.clock())
        await self._advance(self.db, state, ended)
        return ended

    async def _advance(self, db: Db, before: ImportState, after: ImportState) -> None:
        if not await imports.advance(db, self.digest, before, after):
            raise ImportOvertakenError
