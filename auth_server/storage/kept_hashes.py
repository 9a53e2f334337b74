"""Imported hashes that wait for their users' first login."""

from __future__ import annotations

from collections.abc import Sequence

from auth_server.storage.database import Db


async def costliest(db: Db, formats: Sequence[str]) -> list[str]:
    """The hash of each format that takes longest to check."""
    rows = await db.fetch(
        """
        SELECT slowest.password_hash
          FROM unnest($1::text[]) AS formats (format)
         CROSS JOIN LATERAL (
               SELECT password_hash
                 FROM users
                WHERE password_hash LIKE 'im1$%'
                  AND split_part(password_hash, '$', 3) = formats.format
                ORDER BY split_part(password_hash, '$', 4)::bigint DESC
                LIMIT 1) AS slowest
        """,
        list(formats),
    )
    return [row["password_hash"] for row in rows]
