"""The keys that sign access tokens, their private halves sealed."""

from __future__ import annotations

from datetime import datetime

from auth_server.storage.database import Db


async def find_active(db: Db) -> tuple[str, bytes] | None:
    """The id and the sealed private half of the key that signs now."""
    row = await db.fetchrow("SELECT kid, sealed FROM signing_keys WHERE state = 'active'")
    return (row["kid"], row["sealed"]) if row else None


async def offer_active(db: Db, kid: str, algorithm: str, sealed: bytes, now: datetime) -> None:
    """Makes this the key that signs, unless there is one: of servers that start at once, one key wins."""
    await db.fetchrow(
        """
        INSERT INTO signing_keys (kid, algorithm, sealed, state, created_at)
        VALUES ($1, $2, $3, 'active', $4)
        ON CONFLICT DO NOTHING
        RETURNING kid
        """,
        kid,
        algorithm,
        sealed,
        now,
    )
