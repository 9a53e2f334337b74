"""Email addresses of users: whose one is, when it was verified, and another one in its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from asyncpg import UniqueViolationError

from auth_server.domain.errors import EmailTakenError
from auth_server.storage.database import Db, Row


@dataclass(frozen=True, slots=True)
class Addressee:
    """A user as far as a mail to them needs them."""

    user_id: UUID
    name: str | None = field(repr=False)
    email: str | None = field(repr=False)
    verified: bool
    locale: str | None


def _addressee_of(row: Row) -> Addressee:
    return Addressee(row["id"], row["name"], row["email"], row["email_verified"] is not None, row["locale"])


async def find(db: Db, user_id: UUID) -> Addressee | None:
    """The user of this id."""
    row = await db.fetchrow("SELECT id, name, email, email_verified, locale FROM users WHERE id = $1", user_id)
    return _addressee_of(row) if row else None


async def hold(db: Db, user_id: UUID) -> Addressee | None:
    """The user of this id, who stays as they are until the transaction ends."""
    row = await db.fetchrow(
        "SELECT id, name, email, email_verified, locale FROM users WHERE id = $1 FOR UPDATE", user_id
    )
    return _addressee_of(row) if row else None


async def find_enabled(db: Db, email: str) -> Addressee | None:
    """The enabled user with this address, without regard to ASCII case."""
    row = await db.fetchrow(
        """
        SELECT id, name, email, email_verified, locale
          FROM users
         WHERE lower(email COLLATE "C") = lower($1::text COLLATE "C")
           AND disabled_at IS NULL
        """,
        email,
    )
    return _addressee_of(row) if row else None


async def verify(db: Db, user_id: UUID, now: datetime) -> None:
    """Marks the user's address as verified; one that is so already stays so since then."""
    await db.fetchrow(
        """
        UPDATE users
           SET email_verified = $2, updated_at = $2
         WHERE id = $1
           AND email_verified IS NULL
        RETURNING id
        """,
        user_id,
        now,
    )


async def replace(db: Db, user_id: UUID, email: str, now: datetime) -> Addressee | None:
    """The user as they were, who has this verified address now; None if there is no such user.

    Raises:
        EmailTakenError: another user has the address.
    """
    try:
        row = await db.fetchrow(
            """
            WITH before AS (
                SELECT id, name, email, email_verified, locale
                  FROM users
                 WHERE id = $1
                   FOR UPDATE
            )
            UPDATE users
               SET email = $2, email_verified = $3, updated_at = $3
              FROM before
             WHERE users.id = before.id
            RETURNING before.id, before.name, before.email, before.email_verified, before.locale
            """,
            user_id,
            email,
            now,
        )
    except UniqueViolationError as error:
        if error.constraint_name != "users_email_key":
            raise
        raise EmailTakenError from error
    return _addressee_of(row) if row else None
