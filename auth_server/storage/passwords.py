"""Passwords of users: each statement that sets another one raises the user's password version."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_server.domain.users import User
from auth_server.storage.database import Db
from auth_server.storage.users import user_of


async def replace(db: Db, user_id: UUID, password_hash: str, now: datetime) -> int:
    """Gives the user another password, which voids what is bound to the one before; answers its version.

    Run it where the user's row is locked.
    """
    row = await db.fetchrow(
        """
        UPDATE users
           SET password_hash = $2, password_version = password_version + 1, updated_at = $3
         WHERE id = $1
        RETURNING password_version
        """,
        user_id,
        password_hash,
        now,
    )
    version: int = row["password_version"]
    return version


async def reset(db: Db, user_id: UUID, password_hash: str, now: datetime) -> tuple[User, int]:
    """The user with another password, and its version; it is set by a mailed link, which has proven their address, too.

    Run it where the user's row is locked, by the token that was redeemed.
    """
    row = await db.fetchrow(
        """
        UPDATE users
           SET password_hash = $2, password_version = password_version + 1, updated_at = $3,
               email_verified = COALESCE(email_verified, $3)
         WHERE id = $1
        RETURNING id, name, email, email_verified, image, profile, role, locale, created_at, updated_at,
                  password_version
        """,
        user_id,
        password_hash,
        now,
    )
    return user_of(row), row["password_version"]
