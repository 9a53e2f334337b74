"""What proves that the user themselves are at a sign-in, and that it still holds when something is changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from auth_server.storage.database import Db


@dataclass(frozen=True, slots=True)
class Proofs:
    """A user's password, as its hash and its version, and when one of their sign-ins began."""

    hash: str | None = field(repr=False)
    password_version: int
    signed_in_at: datetime


async def find(db: Db, user_id: UUID, sign_in_id: UUID) -> Proofs | None:
    """What there is to prove the user by; None if they have no such sign-in."""
    row = await db.fetchrow(
        """
        SELECT users.password_hash, users.password_version, refresh_families.created_at
          FROM users
          JOIN refresh_families ON refresh_families.user_id = users.id
         WHERE users.id = $1
           AND refresh_families.id = $2
        """,
        user_id,
        sign_in_id,
    )
    return Proofs(row["password_hash"], row["password_version"], row["created_at"]) if row else None


async def holds(db: Db, user_id: UUID, sign_in_id: UUID, password_version: int | None, now: datetime) -> bool:
    """Whether the sign-in lives and the password is the one that was proven; locks both until the transaction ends.

    Without a version no password was proven, and any is right.
    """
    row = await db.fetchrow(
        """
        SELECT users.id
          FROM users
          JOIN refresh_families ON refresh_families.user_id = users.id
         WHERE users.id = $1
           AND ($3::integer IS NULL OR users.password_version = $3)
           AND users.disabled_at IS NULL
           AND refresh_families.id = $2
           AND refresh_families.ended_at IS NULL
           AND refresh_families.expires > $4
           FOR NO KEY UPDATE OF users, refresh_families
        """,
        user_id,
        sign_in_id,
        password_version,
        now,
    )
    return row is not None
