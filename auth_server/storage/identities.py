"""Who stands behind a sign-in or a session, in one look-up each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_server.domain.identities import Identity
from auth_server.domain.users import Role
from auth_server.storage.database import Db, Row


async def find_by_sign_in(db: Db, sign_in_id: UUID, user_id: UUID, now: datetime) -> Identity | None:
    """The enabled user of a sign-in that lives; None once it has ended, or lacks their second factor."""
    row = await db.fetchrow(
        """
        SELECT users.id, users.email, users.name, users.role, users.email_verified
          FROM refresh_families
          JOIN users ON users.id = refresh_families.user_id
         WHERE refresh_families.id = $1
           AND refresh_families.user_id = $2
           AND refresh_families.ended_at IS NULL
           AND refresh_families.expires > $3
           AND users.disabled_at IS NULL
           AND (users.second_factor_since IS NULL OR 'mfa' = ANY (refresh_families.methods))
        """,
        sign_in_id,
        user_id,
        now,
    )
    return _identity_of(row, sign_in_id) if row else None


async def find_by_session(db: Db, token_hash: bytes, now: datetime) -> Identity | None:
    """The enabled user of a NextAuth session that lives; None once it has expired, or lacks their second factor."""
    row = await db.fetchrow(
        """
        SELECT users.id, users.email, users.name, users.role, users.email_verified
          FROM sessions
          JOIN users ON users.id = sessions.user_id
         WHERE sessions.token_hash = $1
           AND sessions.expires > $2
           AND users.disabled_at IS NULL
           AND (users.second_factor_since IS NULL OR 'mfa' = ANY (sessions.methods))
        """,
        token_hash,
        now,
    )
    return _identity_of(row, None) if row else None


def _identity_of(row: Row, sign_in_id: UUID | None) -> Identity:
    verified = row["email_verified"] is not None
    return Identity(row["id"], row["email"], row["name"], Role(row["role"]), verified, sign_in_id)
