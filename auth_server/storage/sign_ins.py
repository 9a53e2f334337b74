"""Sign-ins as their users see them: families of refresh tokens, listed and ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from auth_server.domain.sign_ins import LiveSignIn
from auth_server.storage import audit
from auth_server.storage.database import Db

EndReason = Literal["revoked", "ended", "password changed"]


async def end(db: Db, sign_in_id: UUID, user_id: UUID, reason: EndReason, now: datetime, *, entry: audit.Entry) -> bool:
    """Whether this user's sign-in lived and has ended by this call."""
    row = await audit.change(
        db,
        entry,
        """
        WITH changed AS (
            UPDATE refresh_families
               SET ended_at = $4, ended_reason = $3
             WHERE id = $1
               AND user_id = $2
               AND ended_at IS NULL
               AND expires > $4
            RETURNING id, user_id
        )
        """,
        sign_in_id,
        user_id,
        reason,
        now,
    )
    return row is not None


async def page(db: Db, user_id: UUID, before: UUID | None, size: int, now: datetime) -> list[LiveSignIn]:
    """At most so many of the user's sign-ins that could still be refreshed, the newest first, from behind this one."""
    rows = await db.fetch(
        """
        SELECT refresh_families.id, refresh_families.user_agent, refresh_families.address, refresh_families.created_at,
               COALESCE(parent.used_at, refresh_families.created_at) AS last_used_at, latest.expires
          FROM refresh_families
          JOIN refresh_tokens AS latest
            ON latest.family_id = refresh_families.id
           AND latest.used_at IS NULL
           AND latest.expires > $4
          LEFT JOIN refresh_tokens AS parent
            ON parent.family_id = refresh_families.id
           AND parent.generation = latest.generation - 1
         WHERE refresh_families.user_id = $1
           AND refresh_families.ended_at IS NULL
           AND refresh_families.expires > $4
           AND ($2::uuid IS NULL OR refresh_families.id < $2)
         ORDER BY refresh_families.id DESC
         LIMIT $3
        """,
        user_id,
        before,
        size,
        now,
    )
    return [
        LiveSignIn(
            id=row["id"],
            device=row["user_agent"],
            address=row["address"],
            created=row["created_at"],
            last_used=row["last_used_at"],
            expires=row["expires"],
        )
        for row in rows
    ]


async def end_all(db: Db, user_id: UUID, but: UUID | None, reason: EndReason, now: datetime) -> None:
    """Ends all of the user's sign-ins but this one, and their NextAuth sessions."""
    await db.fetch(
        """
        WITH gone AS (
            DELETE FROM sessions
             WHERE user_id = $1
        )
        UPDATE refresh_families
           SET ended_at = $4, ended_reason = $3
         WHERE user_id = $1
           AND id IS DISTINCT FROM $2::uuid
           AND ended_at IS NULL
           AND expires > $4
        """,
        user_id,
        but,
        reason,
        now,
    )


async def add_methods(db: Db, sign_in_id: UUID, methods: Sequence[str]) -> None:
    """Notes that the sign-in was proven by these methods, too (RFC 8176)."""
    await db.fetchrow(
        """
        UPDATE refresh_families
           SET methods = methods || ARRAY(SELECT method
                                            FROM unnest($2::text[]) WITH ORDINALITY AS given (method, number)
                                           WHERE method <> ALL (methods)
                                           ORDER BY number)
         WHERE id = $1
        RETURNING id
        """,
        sign_in_id,
        list(methods),
    )
