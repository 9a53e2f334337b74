"""Families of refresh tokens: one family a sign-in, one living token a family."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import ForeignKeyViolationError

from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.users import Role, User
from auth_server.storage.database import Db
from auth_server.storage.users import user_of


async def start_family(
    db: Db, family_id: UUID, user_id: UUID, token_hash: bytes, *, now: datetime, expires: datetime, ends: datetime
) -> None:
    """Begins a sign-in: its first token lives until `expires`, all of it until `ends`.

    Raises:
        UserNotFoundError: the user was deleted meanwhile.
    """
    statement = """
        WITH family AS (
            INSERT INTO refresh_families (id, user_id, created_at, expires)
            VALUES ($1, $2, $4, $6)
            RETURNING id
        )
        INSERT INTO refresh_tokens (token_hash, family_id, generation, expires)
        SELECT $3, id, 1, $5
          FROM family
        RETURNING family_id
        """
    try:
        await db.fetchrow(statement, family_id, user_id, token_hash, now, expires, ends)
    except ForeignKeyViolationError as error:
        raise UserNotFoundError from error


async def rotate(
    db: Db, token_hash: bytes, new_hash: bytes, *, now: datetime, expires: datetime
) -> tuple[User, UUID] | None:
    """The owner and the family of an unused token, which is used up by this call and followed by the new one.

    Of any number of callers one gets it: the others wait for its row, and find it used. The new token lives until
    `expires`, but never longer than its family. The family is locked before its token, as the deletion of a user
    does it, so that the two never wait for each other.
    """
    row = await db.fetchrow(
        """
        WITH family AS (
            SELECT refresh_families.id, refresh_families.user_id, refresh_families.expires
              FROM refresh_families
              JOIN refresh_tokens ON refresh_tokens.family_id = refresh_families.id
             WHERE refresh_tokens.token_hash = $1
               AND refresh_families.ended_at IS NULL
               AND refresh_families.expires > $3
               FOR KEY SHARE OF refresh_families
        ), used AS (
            UPDATE refresh_tokens
               SET used_at = $3
              FROM family, users
             WHERE refresh_tokens.token_hash = $1
               AND refresh_tokens.family_id = family.id
               AND refresh_tokens.used_at IS NULL
               AND refresh_tokens.expires > $3
               AND users.id = family.user_id
               AND users.disabled_at IS NULL
            RETURNING refresh_tokens.family_id, refresh_tokens.generation, family.expires AS family_expires,
                      users.id, users.name, users.email, users.email_verified, users.image, users.profile, users.role,
                      users.created_at, users.updated_at
        ), successor AS (
            INSERT INTO refresh_tokens (token_hash, family_id, generation, expires)
            SELECT $2, family_id, generation + 1, LEAST($4, family_expires)
              FROM used
        )
        SELECT family_id, id, name, email, email_verified, image, profile, role, created_at, updated_at
          FROM used
        """,
        token_hash,
        new_hash,
        now,
        expires,
    )
    return (user_of(row), row["family_id"]) if row else None


async def end_family_of_used(db: Db, token_hash: bytes, now: datetime) -> UUID | None:
    """The family that ends by this call because one of its used tokens came again; None where there is none to end."""
    row = await db.fetchrow(
        """
        UPDATE refresh_families
           SET ended_at = $2, ended_reason = 'reuse'
          FROM refresh_tokens
         WHERE refresh_tokens.token_hash = $1
           AND refresh_tokens.used_at IS NOT NULL
           AND refresh_families.id = refresh_tokens.family_id
           AND refresh_families.ended_at IS NULL
        RETURNING refresh_families.id
        """,
        token_hash,
        now,
    )
    return row["id"] if row else None


async def end_family(db: Db, token_hash: bytes, now: datetime) -> UUID | None:
    """The family of this token, which ends by this call; None where it has ended or the token is unknown."""
    row = await db.fetchrow(
        """
        UPDATE refresh_families
           SET ended_at = $2, ended_reason = 'logout'
          FROM refresh_tokens
         WHERE refresh_tokens.token_hash = $1
           AND refresh_families.id = refresh_tokens.family_id
           AND refresh_families.ended_at IS NULL
        RETURNING refresh_families.id
        """,
        token_hash,
        now,
    )
    return row["id"] if row else None


async def find_role(db: Db, family_id: UUID, user_id: UUID, now: datetime) -> Role | None:
    """The present role of an enabled user whose sign-in lives; None once it has ended."""
    row = await db.fetchrow(
        """
        SELECT users.role
          FROM refresh_families
          JOIN users ON users.id = refresh_families.user_id
         WHERE refresh_families.id = $1
           AND refresh_families.user_id = $2
           AND refresh_families.ended_at IS NULL
           AND refresh_families.expires > $3
           AND users.disabled_at IS NULL
        """,
        family_id,
        user_id,
        now,
    )
    return Role(row["role"]) if row else None
