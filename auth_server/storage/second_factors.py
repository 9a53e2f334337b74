"""Second factors, and the recovery codes that stand in for them. A trigger notes at the user whether one is active."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from auth_server.domain.exports import HeldSecondFactor
from auth_server.storage.database import Db


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """An active second factor."""

    sealed_secret: bytes = field(repr=False)
    confirmed_at: datetime


async def hold(db: Db, user_id: UUID) -> SecondFactor | None:
    """The user's active second factor; their row is locked until the transaction ends.

    Every statement locks a user before their second factor, so that no two wait for each other.
    """
    row = await db.fetchrow(
        """
        SELECT second_factors.sealed_secret, second_factors.confirmed_at
          FROM users
          JOIN second_factors ON second_factors.user_id = users.id
         WHERE users.id = $1
           AND second_factors.confirmed_at IS NOT NULL
           FOR NO KEY UPDATE OF users
        """,
        user_id,
    )
    return SecondFactor(row["sealed_secret"], row["confirmed_at"]) if row else None


async def begin(db: Db, user_id: UUID, sealed_secret: bytes, now: datetime, expires: datetime) -> bool:
    """Whether this secret waits to be confirmed now, and none from before; False where one is active."""
    row = await db.fetchrow(
        """
        INSERT INTO second_factors (user_id, sealed_secret, last_step, created_at, expires)
        VALUES ($1, $2, 0, $3, $4)
        ON CONFLICT (user_id) DO UPDATE
           SET sealed_secret = EXCLUDED.sealed_secret,
               last_step     = EXCLUDED.last_step,
               created_at    = EXCLUDED.created_at,
               expires       = EXCLUDED.expires
         WHERE second_factors.confirmed_at IS NULL
        RETURNING user_id
        """,
        user_id,
        sealed_secret,
        now,
        expires,
    )
    return row is not None


async def find_waiting(db: Db, user_id: UUID, now: datetime) -> bytes | None:
    """The sealed secret that waits to be confirmed."""
    row = await db.fetchrow(
        "SELECT sealed_secret FROM second_factors WHERE user_id = $1 AND expires > $2", user_id, now
    )
    return row["sealed_secret"] if row else None


async def confirm(db: Db, user_id: UUID, sealed_secret: bytes, step: int, now: datetime) -> bool:
    """Whether this secret has waited, and is active by this call; the step is taken.

    Run it where the user's row is locked.
    """
    row = await db.fetchrow(
        """
        UPDATE second_factors
           SET confirmed_at = $4, expires = NULL, last_step = $3
         WHERE user_id = $1
           AND sealed_secret = $2
           AND expires > $4
        RETURNING user_id
        """,
        user_id,
        sealed_secret,
        step,
        now,
    )
    return row is not None


async def remove(db: Db, user_id: UUID) -> bool:
    """Whether the user had an active second factor, which is gone by this call, as are its recovery codes.

    Run it where the user's row is locked.
    """
    row = await db.fetchrow(
        "DELETE FROM second_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL RETURNING user_id", user_id
    )
    return row is not None


async def find_held(db: Db, user_id: UUID) -> HeldSecondFactor | None:
    """What there is of a second factor, active or waiting to be confirmed, but for its secret."""
    row = await db.fetchrow(
        """
        SELECT created_at, confirmed_at,
               (SELECT count(*) FROM recovery_codes WHERE recovery_codes.user_id = second_factors.user_id) AS codes
          FROM second_factors
         WHERE user_id = $1
        """,
        user_id,
    )
    return HeldSecondFactor(row["created_at"], row["confirmed_at"], row["codes"]) if row else None


async def take_step(db: Db, user_id: UUID, factor: SecondFactor, step: int, resealed: bytes) -> bool:
    """Whether the step is the caller's alone: no code of it or of a later one was taken, and none will be.

    The secret lies from now on as it was sealed for this.
    """
    row = await db.fetchrow(
        """
        UPDATE second_factors
           SET last_step = $3, sealed_secret = $4
         WHERE user_id = $1
           AND sealed_secret = $2
           AND confirmed_at IS NOT NULL
           AND last_step < $3
        RETURNING user_id
        """,
        user_id,
        factor.sealed_secret,
        step,
        resealed,
    )
    return row is not None


async def take_recovery_code(db: Db, user_id: UUID, code_hash: bytes) -> bool:
    """Whether the user had this code, which is gone by this call."""
    row = await db.fetchrow(
        "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2 RETURNING user_id", user_id, code_hash
    )
    return row is not None


async def replace_recovery_codes(db: Db, user_id: UUID, code_hashes: Sequence[bytes]) -> None:
    """Gives the user these codes in the place of those before.

    Run it where the user's row is locked.
    """
    await db.fetch(
        """
        WITH former AS (
            DELETE FROM recovery_codes
             WHERE user_id = $1
        )
        INSERT INTO recovery_codes (user_id, code_hash)
        SELECT $1, unnest($2::bytea[])
        """,
        user_id,
        list(code_hashes),
    )
