"""Users, by id, by email and by account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import orjson
from asyncpg import UniqueViolationError

from auth_server.domain.errors import EmailTakenError
from auth_server.domain.users import AdapterUser, NewUser, Role, User, UserWithHash
from auth_server.storage.database import Db, Row


def user_of(row: Row) -> User:
    """The user of a row that has all columns of one."""
    return User(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        email_verified=row["email_verified"],
        image=row["image"],
        profile=orjson.loads(row["profile"]),
        role=Role(row["role"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        locale=row["locale"],
    )


def adapter_user_of(row: Row) -> AdapterUser:
    """The adapter's user of a row."""
    return AdapterUser(row["id"], row["name"], row["email"], row["email_verified"], row["image"])


async def create(db: Db, user: AdapterUser, now: datetime) -> AdapterUser:
    """The user as stored.

    Raises:
        EmailTakenError: another user has the address.
    """
    try:
        row = await db.fetchrow(
            """
            INSERT INTO users (id, name, email, email_verified, image, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            RETURNING id, name, email, email_verified, image
            """,
            user.id,
            user.name,
            user.email,
            user.email_verified,
            user.image,
            now,
        )
    except UniqueViolationError as error:
        raise _taken(error) from error
    return adapter_user_of(row)


async def register(db: Db, user_id: UUID, person: NewUser, now: datetime) -> bool:
    """Whether the person is a user now; False where the address is taken, which changes nothing."""
    row = await db.fetchrow(
        """
        INSERT INTO users (id, name, email, password_hash, profile, locale, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
        ON CONFLICT (lower(email COLLATE "C")) DO NOTHING
        RETURNING id
        """,
        user_id,
        person.name,
        person.email,
        person.password_hash,
        orjson.dumps(dict(person.profile)).decode(),
        person.locale,
        now,
    )
    return row is not None


async def find(db: Db, user_id: UUID) -> User | None:
    """The user of this id."""
    row = await db.fetchrow(
        """
        SELECT id, name, email, email_verified, image, profile, role, locale, created_at, updated_at
          FROM users
         WHERE id = $1
        """,
        user_id,
    )
    return user_of(row) if row else None


async def find_for_adapter(db: Db, user_id: UUID) -> AdapterUser | None:
    """What the adapter sees of the user of this id."""
    row = await db.fetchrow("SELECT id, name, email, email_verified, image FROM users WHERE id = $1", user_id)
    return adapter_user_of(row) if row else None


async def find_by_email(db: Db, email: str) -> AdapterUser | None:
    """The user with this address, without regard to ASCII case."""
    if "\0" in email:  # PostgreSQL refuses it even as a value to look up
        return None
    row = await db.fetchrow(
        """
        SELECT id, name, email, email_verified, image
          FROM users
         WHERE lower(email COLLATE "C") = lower($1::text COLLATE "C")
        """,
        email,
    )
    return adapter_user_of(row) if row else None


async def find_with_hash(db: Db, email: str) -> UserWithHash | None:
    """The user with this address and the hash of their password."""
    if "\0" in email:
        return None
    row = await db.fetchrow(
        """
        SELECT id, name, email, email_verified, image, profile, role, locale, created_at, updated_at,
               password_hash, password_version, disabled_at
          FROM users
         WHERE lower(email COLLATE "C") = lower($1::text COLLATE "C")
        """,
        email,
    )
    if row is None:
        return None
    return UserWithHash(user_of(row), row["password_hash"], row["password_version"], row["disabled_at"] is not None)


async def find_by_account(db: Db, provider: str, provider_account_id: str) -> AdapterUser | None:
    """The user that the provider's account is linked to."""
    if "\0" in provider or "\0" in provider_account_id:
        return None
    row = await db.fetchrow(
        """
        SELECT users.id, users.name, users.email, users.email_verified, users.image
          FROM accounts
          JOIN users ON users.id = accounts.user_id
         WHERE accounts.provider = $1 AND accounts.provider_account_id = $2
        """,
        provider,
        provider_account_id,
    )
    return adapter_user_of(row) if row else None


async def find_with_account(
    db: Db, email: str, provider: str | None, provider_account_id: str | None
) -> tuple[User, str, str] | None:
    """An enabled user with this address and a linked account, with that account's provider and id.

    Where a provider or an id is given, it must be an account of that provider or id.
    """
    if "\0" in email + (provider or "") + (provider_account_id or ""):
        return None
    row = await db.fetchrow(
        """
        SELECT users.id, users.name, users.email, users.email_verified, users.image, users.profile, users.role,
               users.locale, users.created_at, users.updated_at, accounts.provider, accounts.provider_account_id
          FROM users
          JOIN accounts ON accounts.user_id = users.id
         WHERE lower(users.email COLLATE "C") = lower($1::text COLLATE "C")
           AND users.disabled_at IS NULL
           AND accounts.provider = COALESCE($2, accounts.provider)
           AND accounts.provider_account_id = COALESCE($3, accounts.provider_account_id)
         ORDER BY accounts.provider, accounts.provider_account_id
         LIMIT 1
        """,
        email,
        provider,
        provider_account_id,
    )
    return (user_of(row), row["provider"], row["provider_account_id"]) if row else None


async def page(db: Db, after: UUID | None, search: str, size: int) -> list[User]:
    """At most so many users that follow this one by id; with a search, those whose name or email contains it."""
    rows = await db.fetch(
        """
        SELECT id, name, email, email_verified, image, profile, role, locale, created_at, updated_at
          FROM users
         WHERE ($1::uuid IS NULL OR id > $1)
           AND ($2 = ''
                OR strpos(lower(name COLLATE "C"), lower($2::text COLLATE "C")) > 0
                OR strpos(lower(email COLLATE "C"), lower($2::text COLLATE "C")) > 0)
         ORDER BY id
         LIMIT $3
        """,
        after,
        search,
        size,
    )
    return [user_of(row) for row in rows]


async def change(db: Db, user: AdapterUser, fields: frozenset[str], now: datetime) -> AdapterUser | None:
    """The user with the named fields changed to those given; None if there is no such user.

    Another address is not verified, as nobody has proven it, unless this very change says so.

    Raises:
        EmailTakenError: another user has the new address.
    """
    try:
        row = await db.fetchrow(
            """
            UPDATE users
               SET name           = CASE WHEN 'name' = ANY ($2::text[]) THEN $3 ELSE name END,
                   email          = CASE WHEN 'email' = ANY ($2::text[]) THEN $4 ELSE email END,
                   email_verified = CASE WHEN 'email_verified' = ANY ($2::text[]) THEN $5
                                         WHEN 'email' = ANY ($2::text[])
                                              AND lower(email COLLATE "C") IS DISTINCT FROM lower($4 COLLATE "C")
                                         THEN NULL
                                         ELSE email_verified END,
                   image          = CASE WHEN 'image' = ANY ($2::text[]) THEN $6 ELSE image END,
                   updated_at     = $7
             WHERE id = $1
            RETURNING id, name, email, email_verified, image
            """,
            user.id,
            list(fields),
            user.name,
            user.email,
            user.email_verified,
            user.image,
            now,
        )
    except UniqueViolationError as error:
        raise _taken(error) from error
    return adapter_user_of(row) if row else None


async def change_profile(
    db: Db, user_id: UUID, changes: Mapping[str, object], profile: Mapping[str, object], now: datetime
) -> User | None:
    """The user with a changed name and locale, where `changes` has them, and profile; None takes a field away."""
    row = await db.fetchrow(
        """
        UPDATE users
           SET name       = CASE WHEN $2 THEN $3 ELSE name END,
               profile    = jsonb_strip_nulls(profile || $4::jsonb),
               locale     = CASE WHEN $5 THEN $6 ELSE locale END,
               updated_at = $7
         WHERE id = $1
        RETURNING id, name, email, email_verified, image, profile, role, locale, created_at, updated_at
        """,
        user_id,
        "name" in changes,
        changes.get("name"),
        orjson.dumps(dict(profile)).decode(),
        "locale" in changes,
        changes.get("locale"),
        now,
    )
    return user_of(row) if row else None


async def replace_hash(db: Db, user_id: UUID, old: str, new: str) -> None:
    """Puts a newer hash of the same password in the place of the old one, unless the password changed meanwhile."""
    await db.fetchrow(
        "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2 RETURNING id", user_id, old, new
    )


async def set_role(db: Db, email: str, role: Role, now: datetime) -> User | None:
    """The user with this address in their new role; None if there is no such user."""
    row = await db.fetchrow(
        """
        UPDATE users
           SET role = $2, updated_at = $3
         WHERE lower(email COLLATE "C") = lower($1::text COLLATE "C")
        RETURNING id, name, email, email_verified, image, profile, role, locale, created_at, updated_at
        """,
        email,
        role.value,
        now,
    )
    return user_of(row) if row else None


async def delete(db: Db, user_id: UUID) -> AdapterUser | None:
    """The user as they were; their accounts, sessions and tokens go along."""
    row = await db.fetchrow("DELETE FROM users WHERE id = $1 RETURNING id, name, email, email_verified, image", user_id)
    return adapter_user_of(row) if row else None


def _taken(error: UniqueViolationError) -> Exception:
    return EmailTakenError() if error.constraint_name == "users_email_key" else error
