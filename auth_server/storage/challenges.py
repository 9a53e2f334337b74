"""Challenges: sign-ins whose first proof was good, and that wait for the second factor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_server.domain.methods import PASSWORD, Proof
from auth_server.storage.database import Db


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Whose challenge it was, and what they had proven."""

    user_id: UUID
    proof: Proof


async def put(db: Db, challenge_hash: bytes, user_id: UUID, proof: Proof, expires: datetime) -> bool:
    """Whether there is a challenge now: the user is enabled, has the password that they proved, and a second factor.

    It is bound to both of the moment.
    """
    row = await db.fetchrow(
        """
        INSERT INTO sign_in_challenges (challenge_hash, user_id, methods, password_version, factor_since, expires)
        SELECT $1, id, $3, password_version, second_factor_since, $5
          FROM users
         WHERE id = $2
           AND disabled_at IS NULL
           AND ($4::integer IS NULL OR password_version = $4)
           AND second_factor_since IS NOT NULL
           FOR SHARE
        RETURNING user_id
        """,
        challenge_hash,
        user_id,
        list(proof.methods),
        proof.password_version,
        expires,
    )
    return row is not None


async def find_owner(db: Db, challenge_hash: bytes, now: datetime) -> tuple[UUID, str | None] | None:
    """The id and the address of the user of a challenge that is good still; one that is void has none."""
    row = await db.fetchrow(
        """
        SELECT users.id, users.email
          FROM sign_in_challenges
          JOIN users ON users.id = sign_in_challenges.user_id
         WHERE sign_in_challenges.challenge_hash = $1
           AND sign_in_challenges.expires > $2
           AND users.password_version = sign_in_challenges.password_version
           AND users.second_factor_since = sign_in_challenges.factor_since
           AND users.disabled_at IS NULL
        """,
        challenge_hash,
        now,
    )
    return (row["id"], row["email"]) if row else None


async def redeem(db: Db, challenge_hash: bytes, now: datetime) -> Redeemed | None:
    """Whose challenge it was, for the one caller that takes it; it is gone once the transaction holds.

    None where it is unknown, expired, used or void: the user is disabled, or their password or second factor is
    another one. Their row stays locked until the transaction ends. It is locked before the challenge, as every
    statement does it, so that no two wait for each other.
    """
    row = await db.fetchrow(
        """
        WITH owner AS (
            SELECT users.id
              FROM sign_in_challenges
              JOIN users ON users.id = sign_in_challenges.user_id
             WHERE sign_in_challenges.challenge_hash = $1
               AND users.password_version = sign_in_challenges.password_version
               AND users.second_factor_since = sign_in_challenges.factor_since
               AND users.disabled_at IS NULL
               FOR NO KEY UPDATE OF users
        )
        DELETE FROM sign_in_challenges
         USING owner
         WHERE sign_in_challenges.challenge_hash = $1
           AND sign_in_challenges.expires > $2
           AND sign_in_challenges.user_id = owner.id
        RETURNING sign_in_challenges.user_id, sign_in_challenges.methods, sign_in_challenges.password_version
        """,
        challenge_hash,
        now,
    )
    if row is None:
        return None
    methods = tuple(row["methods"])
    return Redeemed(row["user_id"], Proof(methods, row["password_version"] if PASSWORD in methods else None))
