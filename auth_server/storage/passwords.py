"""Passwords of users: each statement that sets another one raises the user's password version."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_server.storage.database import Db


async def replace(db: Db, user_id: UUID, password_hash: str, now: datetime) -> None:
    """Gives the user another password, which voids what is bound to the one before."""
    await db.fetchrow(
        """
        UPDATE users
           SET password_hash = $2, password_version = password_version + 1, updated_at = $3
         WHERE id = $1
        RETURNING id
        """,
        user_id,
        password_hash,
        now,
    )
