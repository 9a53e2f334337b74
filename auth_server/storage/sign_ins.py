"""Sign-ins as their users see them: families of refresh tokens, listed and ended."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from auth_server.storage.database import Db

EndReason = Literal["revoked", "ended"]


async def end(db: Db, sign_in_id: UUID, user_id: UUID, reason: EndReason, now: datetime) -> bool:
    """Whether this user's sign-in lived and has ended by this call."""
    row = await db.fetchrow(
        """
        UPDATE refresh_families
           SET ended_at = $4, ended_reason = $3
         WHERE id = $1
           AND user_id = $2
           AND ended_at IS NULL
           AND expires > $4
        RETURNING id
        """,
        sign_in_id,
        user_id,
        reason,
        now,
    )
    return row is not None
