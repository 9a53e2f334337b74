"""Disabling users, and enabling them again. A trigger ends what a disabled user has (0005_signins.sql)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_server.storage.database import Db


async def set_disabled(db: Db, user_id: UUID, disabled_at: datetime | None, now: datetime) -> bool:
    """Whether there is such a user, who is disabled now, since then or before; enabled where it is None."""
    row = await db.fetchrow(
        """
        UPDATE users
           SET disabled_at = CASE WHEN $2::timestamptz IS NOT NULL THEN COALESCE(disabled_at, $2) END,
               updated_at  = CASE WHEN (disabled_at IS NULL) = ($2 IS NULL) THEN updated_at ELSE $3 END
         WHERE id = $1
        RETURNING id
        """,
        user_id,
        disabled_at,
        now,
    )
    return row is not None


async def hold_by_email(db: Db, email: str) -> UUID | None:
    """The id of the user with this address, without regard to ASCII case, who keeps it until the transaction ends."""
    row = await db.fetchrow(
        """
        SELECT id
          FROM users
         WHERE lower(email COLLATE "C") = lower($1::text COLLATE "C")
           FOR UPDATE
        """,
        email,
    )
    return row["id"] if row else None
