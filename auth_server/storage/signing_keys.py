"""The keys that sign access tokens, their private halves sealed.

Every change is one statement that asks again for what it relies on, so that any number of servers may try it at once.
Where a statement locks two keys, it locks the active one first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from asyncpg import UniqueViolationError

from auth_server.domain.key_lives import KeyLife, KeyState
from auth_server.domain.signing_keys import Algorithm, VerifyingKey
from auth_server.storage.database import Db, Row


@dataclass(frozen=True, slots=True, repr=False)
class StoredKey:
    """A key as it is stored."""

    life: KeyLife
    public_jwk: Mapping[str, Any] | None
    """None of a key that an older version made."""
    sealed: bytes
    """The private half; empty once it signs no more."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """What a revocation changed."""

    was: KeyState
    promoted: str | None
    """The id of the key that signs now in its place."""


async def all_keys(db: Db) -> list[StoredKey]:
    """Every key, the newest first."""
    rows = await db.fetch(
        """
        SELECT kid, algorithm, sealed, state, created_at, public_jwk, ready_at, activated_at, retired_at, revoked_at,
               rotation_asked_at
          FROM signing_keys
         ORDER BY created_at DESC, kid
        """
    )
    return [_stored_key_of(row) for row in rows]


async def offer(db: Db, key: VerifyingKey, state: KeyState, sealed: bytes, *, now: datetime, ready: datetime) -> None:
    """Makes this the next or the active key, unless there is one: of servers that do it at once, one key wins."""
    await db.fetchrow(
        """
        INSERT INTO signing_keys (kid, algorithm, sealed, state, created_at, public_jwk, ready_at, activated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT DO NOTHING
        RETURNING kid
        """,
        key.kid,
        key.algorithm.value,
        sealed,
        state.value,
        now,
        _json_of(key),
        ready,
        now if state is KeyState.ACTIVE else None,
    )


async def publish_half(db: Db, key: VerifyingKey) -> None:
    """Adds the public half of a key that an older version made."""
    await db.fetchrow(
        "UPDATE signing_keys SET public_jwk = $2 WHERE kid = $1 AND public_jwk IS NULL RETURNING kid",
        key.kid,
        _json_of(key),
    )


async def withdraw_next(db: Db, but_of: Algorithm, now: datetime) -> str | None:
    """The id of the next key, removed by this call, if it is of another algorithm than this and was ready.

    One that is not ready yet stays a while: servers that are set up differently would take turns at it for ever.
    """
    row = await db.fetchrow(
        """
        DELETE FROM signing_keys
         WHERE state = 'next' AND algorithm <> $1 AND COALESCE(ready_at, created_at) <= $2
        RETURNING kid
        """,
        but_of.value,
        now,
    )
    return row["kid"] if row else None


async def ask_rotation(db: Db, now: datetime) -> str | None:
    """The id of the active key, which gives way from now on as soon as the next one is ready; None if there is none."""
    row = await db.fetchrow(
        """
        UPDATE signing_keys
           SET rotation_asked_at = COALESCE(rotation_asked_at, $1)
         WHERE state = 'active'
        RETURNING kid
        """,
        now,
    )
    return row["kid"] if row else None


async def rotate(db: Db, now: datetime, *, due_since: datetime | None, algorithm: Algorithm) -> str | None:
    """The id of the next key, which is active by this call, if it is ready and the active one is to give way.

    That is so if an operator asked for it, if it became active at `due_since` or before, or if it is of another
    algorithm than this. None where nothing changed, such as because another server was first.
    """
    return await _rotate(db, now, due_since, algorithm.value, now)


async def rotate_at_once(db: Db, now: datetime) -> str | None:
    """The id of the next key, which is active by this call, ready or not; None where there is none."""
    return await _rotate(db, now, None, None, None)


async def _rotate(
    db: Db, now: datetime, due_since: datetime | None, algorithm: str | None, ready_by: datetime | None
) -> str | None:
    row = await db.fetchrow(
        """
        WITH old AS (
            SELECT kid
              FROM signing_keys
             WHERE state = 'active'
               AND ($4::timestamptz IS NULL
                    OR rotation_asked_at IS NOT NULL
                    OR COALESCE(activated_at, created_at) <= $2
                    OR algorithm <> $3)
               FOR UPDATE
        ), heir AS (
            SELECT kid
              FROM signing_keys
             WHERE state = 'next'
               AND ($4::timestamptz IS NULL OR COALESCE(ready_at, created_at) <= $4)
               AND EXISTS (SELECT FROM old)
               FOR UPDATE
        ), retired AS (
            UPDATE signing_keys
               SET state = 'retired', retired_at = $1,
                   sealed = CASE WHEN public_jwk IS NULL THEN sealed ELSE '' END
              FROM old
             WHERE signing_keys.kid = old.kid
               AND EXISTS (SELECT FROM heir)
            RETURNING signing_keys.kid
        )
        UPDATE signing_keys
           SET state = 'active', activated_at = $1
          FROM heir
         WHERE signing_keys.kid = heir.kid
           AND EXISTS (SELECT FROM retired)
        RETURNING signing_keys.kid
        """,
        now,
        due_since,
        algorithm,
        ready_by,
    )
    return row["kid"] if row else None


async def promote_next(db: Db, now: datetime) -> str | None:
    """The id of the next key, which is active by this call where no key was; None where nothing changed."""
    statement = """
        UPDATE signing_keys
           SET state = 'active', activated_at = $1
         WHERE state = 'next'
           AND NOT EXISTS (SELECT FROM signing_keys WHERE state = 'active')
        RETURNING kid
        """
    try:
        row = await db.fetchrow(statement, now)
    except UniqueViolationError as error:
        if error.constraint_name != "signing_keys_one_active":
            raise
        return None  # another server has made one meanwhile
    return row["kid"] if row else None


async def revoke(db: Db, kid: str, now: datetime) -> Revoked | None:
    """What became of revoking this key: it is believed no more, and where it was active, the next one signs.

    None where there is no such key, or where it was revoked before.
    """
    row = await db.fetchrow(
        """
        WITH target AS (
            SELECT kid, state
              FROM signing_keys
             WHERE kid = $1
               AND state <> 'revoked'
               FOR UPDATE
        ), revoked AS (
            UPDATE signing_keys
               SET state = 'revoked', revoked_at = $2, sealed = ''
              FROM target
             WHERE signing_keys.kid = target.kid
            RETURNING signing_keys.kid
        ), promoted AS (
            UPDATE signing_keys
               SET state = 'active', activated_at = $2
             WHERE state = 'next'
               AND EXISTS (SELECT FROM revoked)
               AND EXISTS (SELECT FROM target WHERE state = 'active')
            RETURNING kid
        )
        SELECT target.state, (SELECT kid FROM promoted) AS promoted
          FROM target
        """,
        kid,
        now,
    )
    return Revoked(KeyState(row["state"]), row["promoted"]) if row else None


async def remove(db: Db, ended_before: datetime) -> list[str]:
    """The ids of the keys that were retired or revoked before, which are removed by this call."""
    rows = await db.fetch(
        """
        DELETE FROM signing_keys
         WHERE (state = 'retired' AND retired_at < $1)
            OR (state = 'revoked' AND revoked_at < $1)
        RETURNING kid
        """,
        ended_before,
    )
    return [row["kid"] for row in rows]


def _json_of(key: VerifyingKey) -> str:
    return orjson.dumps(dict(key.jwk or {})).decode()


def _stored_key_of(row: Row) -> StoredKey:
    life = KeyLife(
        kid=row["kid"],
        algorithm=Algorithm(row["algorithm"]),
        state=KeyState(row["state"]),
        created=row["created_at"],
        ready=row["ready_at"] or row["created_at"],
        activated=row["activated_at"],
        retired=row["retired_at"],
        revoked=row["revoked_at"],
        rotation_asked=row["rotation_asked_at"],
    )
    jwk = orjson.loads(row["public_jwk"]) if row["public_jwk"] else None
    return StoredKey(life, jwk, row["sealed"])
