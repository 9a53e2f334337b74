"""Challenges: sign-ins whose first proof was good, and that wait for the second factor."""

from __future__ import annotations

from datetime import datetime

from auth_server.storage.database import Db


async def sweep(db: Db, expired_before: datetime, limit: int) -> int:
    """Deletes as many challenges at the most that had expired; answers how many."""
    row = await db.fetchrow(
        """
        WITH gone AS (
            DELETE FROM sign_in_challenges
             WHERE ctid = ANY (ARRAY(SELECT ctid
                                       FROM sign_in_challenges
                                      WHERE expires < $1
                                      LIMIT $2
                                        FOR UPDATE SKIP LOCKED))
            RETURNING true
        )
        SELECT count(*) FROM gone
        """,
        expired_before,
        limit,
    )
    return int(row["count"])
