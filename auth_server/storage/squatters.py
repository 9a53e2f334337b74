"""What somebody chose for an address before it was verified: passwords, authenticators, second factors."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_server.domain.authenticators import WEBAUTHN
from auth_server.storage.database import Db


async def take_password(db: Db, user_id: UUID, now: datetime) -> bool:
    """Whether the user's address was unverified and they had a password, which is gone by this call.

    Their row is locked until the transaction ends: a login with that password waits, and fails.
    """
    row = await db.fetchrow(
        """
        UPDATE users
           SET password_hash = NULL, password_version = password_version + 1, updated_at = $2
         WHERE id = $1
           AND email_verified IS NULL
           AND password_hash IS NOT NULL
        RETURNING id
        """,
        user_id,
        now,
    )
    return row is not None


async def take_authenticators(db: Db, user_id: UUID) -> bool:
    """Whether the user's address was unverified and they had authenticators, which are gone by this call.

    The accounts that Auth.js linked beside them go, too. Run it where the user's row is locked: one that is being
    registered meanwhile is there before, or waits.
    """
    row = await db.fetchrow(
        """
        WITH owner AS (
            SELECT id
              FROM users
             WHERE id = $1
               AND email IS NOT NULL
               AND email_verified IS NULL
        ), unlinked AS (
            DELETE FROM accounts
             USING owner
             WHERE accounts.user_id = owner.id
               AND accounts.type = $2
            RETURNING accounts.user_id
        ), gone AS (
            DELETE FROM authenticators
             USING owner
             WHERE authenticators.user_id = owner.id
            RETURNING authenticators.user_id
        )
        SELECT user_id FROM unlinked
         UNION
        SELECT user_id FROM gone
        """,
        user_id,
        WEBAUTHN,
    )
    return row is not None


async def drop_second_factor(db: Db, user_id: UUID) -> None:
    """Ends the user's second factor, active or waiting, and its recovery codes. Their row is locked before it."""
    await db.fetch("DELETE FROM second_factors WHERE user_id = $1", user_id)
