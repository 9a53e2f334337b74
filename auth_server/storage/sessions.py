"""NextAuth's sessions, found by the hash of their token."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import ForeignKeyViolationError, UniqueViolationError

from auth_server.domain.adapter import Session
from auth_server.domain.errors import SessionTokenTakenError, UserNotFoundError
from auth_server.domain.users import AdapterUser
from auth_server.storage import audit
from auth_server.storage.database import Db, Row


def session_of(row: Row) -> Session:
    """The session of a row."""
    return Session(row["id"], row["user_id"], row["expires"])


async def create(db: Db, session: Session, token_hash: bytes, entry: audit.Entry) -> Session:
    """The session as stored. The user's row is locked as it is where a sign-in begins.

    Raises:
        SessionTokenTakenError: a session with this token exists.
        UserNotFoundError: there is no such user, they are disabled, or they have a second factor, which is not among
            the session's methods.
    """
    try:
        row = await audit.change(
            db,
            entry,
            """
            WITH owner AS (
                SELECT id
                  FROM users
                 WHERE id = $3
                   AND disabled_at IS NULL
                   AND (second_factor_since IS NULL OR 'mfa' = ANY ($5::text[]))
                   FOR SHARE
            ), changed AS (
                INSERT INTO sessions (token_hash, id, user_id, expires, methods)
                SELECT $1, $2, id, $4, $5
                  FROM owner
                RETURNING id, user_id, expires
            )
            """,
            token_hash,
            session.id,
            session.user_id,
            session.expires,
            list(session.methods),
        )
    except UniqueViolationError as error:
        raise SessionTokenTakenError from error
    if row is None:
        raise UserNotFoundError
    return session_of(row)


async def is_asked_for_second_factor(db: Db, user_id: UUID) -> bool:
    """Whether a session of the user needs the second factor: they are enabled and have one."""
    row = await db.fetchrow(
        "SELECT FROM users WHERE id = $1 AND disabled_at IS NULL AND second_factor_since IS NOT NULL", user_id
    )
    return row is not None


async def find_with_user(db: Db, token_hash: bytes, now: datetime) -> tuple[Session, AdapterUser] | None:
    """The session of this token and its user; None once it has expired, or the user is disabled.

    None as well where it lacks the user's second factor: a server of a version that knows of none may have begun it.
    """
    row = await db.fetchrow(
        """
        SELECT sessions.id, sessions.user_id, sessions.expires,
               users.name, users.email, users.email_verified, users.image
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
    if row is None:
        return None
    user = AdapterUser(row["user_id"], row["name"], row["email"], row["email_verified"], row["image"])
    return session_of(row), user


async def change(
    db: Db, token_hash: bytes, user_id: UUID | None, expires: datetime | None, now: datetime
) -> Session | None:
    """The live session of this token with a new user or end, each where it is not None.

    A disabled user gets none, nor does another user with a second factor: nobody has proven it for them.

    Raises:
        UserNotFoundError: there is no such user.
    """
    try:
        row = await db.fetchrow(
            """
            WITH owner AS (
                SELECT disabled_at, second_factor_since
                  FROM users
                 WHERE id = $2
                   FOR SHARE
            )
            UPDATE sessions
               SET user_id = COALESCE($2, user_id),
                   expires = COALESCE($3, expires),
                   methods = CASE WHEN $2 <> user_id THEN '{}' ELSE methods END
             WHERE token_hash = $1
               AND expires > $4
               AND NOT EXISTS (SELECT
                                 FROM owner
                                WHERE disabled_at IS NOT NULL
                                   OR (second_factor_since IS NOT NULL AND sessions.user_id <> $2))
            RETURNING id, user_id, expires
            """,
            token_hash,
            user_id,
            expires,
            now,
        )
    except ForeignKeyViolationError as error:
        raise UserNotFoundError from error
    return session_of(row) if row else None


async def is_kept_from(db: Db, token_hash: bytes, user_id: UUID, now: datetime) -> bool:
    """Whether the session lives, is another's, and this user is enabled and has a second factor."""
    row = await db.fetchrow(
        """
        SELECT FROM sessions, users
         WHERE sessions.token_hash = $1
           AND sessions.expires > $3
           AND sessions.user_id <> users.id
           AND users.id = $2
           AND users.disabled_at IS NULL
           AND users.second_factor_since IS NOT NULL
        """,
        token_hash,
        user_id,
        now,
    )
    return row is not None


async def find_owner(db: Db, token_hash: bytes) -> UUID | None:
    """The id of the session's user."""
    row = await db.fetchrow("SELECT user_id FROM sessions WHERE token_hash = $1", token_hash)
    return row["user_id"] if row else None


async def delete(db: Db, token_hash: bytes, entry: audit.Entry) -> Session | None:
    """The session as it was, whose end is its event."""
    row = await audit.change(
        db,
        entry,
        """
        WITH changed AS (
            DELETE FROM sessions
             WHERE token_hash = $1
            RETURNING id, user_id, expires
        )
        """,
        token_hash,
    )
    return session_of(row) if row else None
