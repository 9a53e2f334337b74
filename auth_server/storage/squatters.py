"""Passwords that somebody chose for an address before it was verified."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_server.storage.database import Db


async def take_password(db: Db, user_id: UUID, now: datetime) -> bool:
    """Whether the user's address was unverified and they had a password, which is gone by this call.

    Their row is locked until the transaction ends: a login with that password waits, and fails.
    """
    row = await db.fetchrow(
        """
        UPDATE users
           SET password_hash = NULL, password_version = password_version + 1, updated_at = $2
         WHERE id = $1
           AND email_verified IS NULL
           AND password_hash IS NOT NULL
        RETURNING id
        """,
        user_id,
        now,
    )
    return row is not None
