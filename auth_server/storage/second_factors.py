"""Second factors, and the recovery codes that stand in for them. A trigger notes at the user whether one is active."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

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


async def take_recovery_code(db: Db, user_id: UUID, code_hash: bytes) -> int | None:
    """How many codes the user has left after this one, which is gone by this call; None where they had it not.

    Run it where the user's row is locked.
    """
    row = await db.fetchrow(
        """
        WITH taken AS (
            DELETE FROM recovery_codes
             WHERE user_id = $1
               AND code_hash = $2
            RETURNING user_id
        )
        SELECT (SELECT count(*) FROM recovery_codes WHERE user_id = $1) - 1 AS left_over
          FROM taken
        """,
        user_id,
        code_hash,
    )
    return row["left_over"] if row else None
