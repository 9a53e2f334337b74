"""Imports of users, a file at a time: which records of it are done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from auth_server.domain.imported_users import ImportedUser, ImportState
from auth_server.storage.database import Db, Row


async def begin(db: Db, digest: bytes, now: datetime) -> ImportState:
    """How far the import of the file with this digest is; it begins where there is none."""
    row = await db.fetchrow(
        """
        INSERT INTO imports (digest, began_at)
        VALUES ($1, $2)
        ON CONFLICT (digest) DO UPDATE SET began_at = imports.began_at
        RETURNING records, imported, present, refused, ended_at
        """,
        digest,
        now,
    )
    return _state_of(row)


async def advance(db: Db, digest: bytes, before: ImportState, after: ImportState) -> bool:
    """Whether the import was still where it was believed to be; it is further now. Else nothing has changed."""
    row = await db.fetchrow(
        """
        UPDATE imports
           SET records = $3, imported = $4, present = $5, refused = $6, ended_at = $7
         WHERE digest = $1 AND records = $2 AND ended_at IS NULL
        RETURNING records
        """,
        digest,
        before.records,
        after.records,
        after.imported,
        after.present,
        after.refused,
        after.ended_at,
    )
    return row is not None


async def add(db: Db, users: Sequence[ImportedUser], now: datetime) -> set[UUID]:
    """The ids of those who are users by this; whose id or address a user has is left out, and that user left alone."""
    rows = await db.fetch(
        """
        INSERT INTO users (id, email, email_verified, password_hash, name, image, profile, locale, disabled_at,
                           created_at, updated_at)
        SELECT id, email, email_verified, password_hash, name, image, profile::jsonb, locale, disabled_at,
               created_at, $11
          FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
                      $8::text[], $9::timestamptz[], $10::timestamptz[])
            AS given (id, email, email_verified, password_hash, name, image, profile, locale, disabled_at, created_at)
        ON CONFLICT DO NOTHING
        RETURNING id
        """,
        [user.id for user in users],
        [user.email for user in users],
        [user.email_verified for user in users],
        [user.password_hash for user in users],
        [user.name for user in users],
        [user.image for user in users],
        [orjson.dumps(dict(user.profile)).decode() for user in users],
        [user.locale for user in users],
        [user.disabled_at for user in users],
        [user.created_at for user in users],
        now,
    )
    return {row["id"] for row in rows}


def _state_of(row: Row) -> ImportState:
    return ImportState(row["records"], row["imported"], row["present"], row["refused"], row["ended_at"])
