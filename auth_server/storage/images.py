"""Which images the store holds, and which of them are to be removed. A trigger dooms those of old (0010_images.sql)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from auth_server.storage.database import Db


async def announce(db: Db, name: str, user_id: UUID, url: str, remove_at: datetime) -> None:
    """Notes an image that is about to be stored; it is removed then, unless the user has taken it meanwhile."""
    await db.fetchrow(
        "INSERT INTO images (name, user_id, url, remove_at) VALUES ($1, $2, $3, $4) RETURNING name",
        name,
        user_id,
        url,
        remove_at,
    )


async def show(db: Db, user_id: UUID, url: str, now: datetime) -> bool:
    """Whether there is such a user, whose image is at this address now; the one before is doomed."""
    row = await db.fetchrow(
        "UPDATE users SET image = $2, updated_at = $3 WHERE id = $1 RETURNING id", user_id, url, now
    )
    return row is not None


async def keep(db: Db, name: str, now: datetime) -> bool:
    """Whether the announced image is kept from now on; not where its time was over."""
    row = await db.fetchrow(
        "UPDATE images SET remove_at = NULL WHERE name = $1 AND remove_at > $2 RETURNING name", name, now
    )
    return row is not None


async def doom(db: Db, name: str, user_id: UUID, url: str) -> None:
    """Says that the image is to be removed at once, also where it was forgotten before it was stored."""
    await db.fetchrow(
        """
        INSERT INTO images (name, user_id, url, remove_at)
        VALUES ($1, $2, $3, '-infinity')
        ON CONFLICT (name) DO UPDATE SET remove_at = EXCLUDED.remove_at
        RETURNING name
        """,
        name,
        user_id,
        url,
    )


async def lease_doomed(db: Db, now: datetime, until: datetime, most: int) -> Sequence[str]:
    """Names of images that are to be removed; nobody else gets them until then, when they come again."""
    rows = await db.fetch(
        """
        WITH due AS (
            SELECT name
              FROM images
             WHERE remove_at <= $1
             ORDER BY remove_at
             LIMIT $3
               FOR UPDATE SKIP LOCKED
        )
        UPDATE images
           SET remove_at = $2
          FROM due
         WHERE images.name = due.name
        RETURNING images.name
        """,
        now,
        until,
        most,
    )
    return [row["name"] for row in rows]


async def lease_doomed_of(db: Db, user_id: UUID, until: datetime) -> Sequence[str]:
    """The same, of the images that this user has no longer."""
    rows = await db.fetch(
        """
        WITH due AS (
            SELECT name
              FROM images
             WHERE user_id = $1
               AND remove_at = '-infinity'
               FOR UPDATE SKIP LOCKED
        )
        UPDATE images
           SET remove_at = $2
          FROM due
         WHERE images.name = due.name
        RETURNING images.name
        """,
        user_id,
        until,
    )
    return [row["name"] for row in rows]


async def forget(db: Db, names: Sequence[str]) -> None:
    """Forgets images that are gone from the store."""
    await db.fetch("DELETE FROM images WHERE name = ANY($1::text[]) AND remove_at IS NOT NULL", names)
