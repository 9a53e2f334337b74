"""Authenticators, whose counters only grow."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import ForeignKeyViolationError, UniqueViolationError

from auth_server.domain.authenticator_errors import AuthenticatorTakenError
from auth_server.domain.authenticators import MOST_AUTHENTICATORS, WEBAUTHN, Authenticator
from auth_server.domain.errors import UserNotFoundError
from auth_server.storage.database import Db, Row

COLUMNS = """
credential_id, user_id, provider_account_id, public_key, counter, device_type, backed_up, transports, name, created_at,
last_used_at, is_passkey
"""
"""The columns of an authenticator."""


def authenticator_of(row: Row) -> Authenticator:
    """The authenticator of a row."""
    return Authenticator(**{**row, "transports": tuple(row["transports"])})


async def create(db: Db, authenticator: Authenticator) -> bool:
    """Whether it is kept now; False where its user has as many as they may.

    Run it in a transaction that holds the user's row (`storage.emails.hold`): so two at once count each other.

    Raises:
        AuthenticatorTakenError: the credential is kept already, of whomever.
        UserNotFoundError: there is no such user.
    """
    try:
        row = await db.fetchrow(
            """
            INSERT INTO authenticators (credential_id, user_id, provider_account_id, public_key, counter, device_type,
                                        backed_up, transports, name, created_at, last_used_at, is_passkey)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
             WHERE (SELECT count(*) FROM authenticators WHERE user_id = $2) < $13
            RETURNING credential_id
            """,
            authenticator.credential_id,
            authenticator.user_id,
            authenticator.provider_account_id,
            authenticator.public_key,
            authenticator.counter,
            authenticator.device_type,
            authenticator.backed_up,
            authenticator.transports,
            authenticator.name,
            authenticator.created_at,
            authenticator.last_used_at,
            authenticator.is_passkey,
            MOST_AUTHENTICATORS,
        )
    except UniqueViolationError as error:
        raise AuthenticatorTakenError from error
    except ForeignKeyViolationError as error:
        raise UserNotFoundError from error
    return row is not None


async def find(db: Db, credential_id: bytes) -> Authenticator | None:
    """The authenticator of this credential."""
    row = await db.fetchrow(
        f"SELECT {COLUMNS} FROM authenticators WHERE credential_id = $1",  # noqa: S608 (its columns)
        credential_id,
    )
    return authenticator_of(row) if row else None


async def of_user(db: Db, user_id: UUID) -> list[Authenticator]:
    """The user's authenticators, the oldest first."""
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS}
          FROM authenticators
         WHERE user_id = $1
         ORDER BY created_at, credential_id
        """,  # noqa: S608 (its columns)
        user_id,
    )
    return [authenticator_of(row) for row in rows]


async def advance(
    db: Db, credential_id: bytes, counter: int, now: datetime, *, is_passkey: bool, backed_up: bool | None = None
) -> Authenticator | None:
    """The authenticator with this counter, used now; None where there is none, or where its counter would not grow.

    None as well where somebody else has registered it, we or a front end, than `is_passkey` says.

    Of two at once with one counter, one gets it. Only of an authenticator that does not count, whose counter was and is
    0, both do (WebAuthn level 3, section 6.1.1). `backed_up` is what it says of itself this time.
    """
    row = await db.fetchrow(
        f"""
        UPDATE authenticators
           SET counter = $2, last_used_at = $3, backed_up = COALESCE($4, backed_up)
         WHERE credential_id = $1
           AND (counter < $2 OR (counter = 0 AND $2 = 0))
           AND is_passkey = $5
        RETURNING {COLUMNS}
        """,  # noqa: S608 (its columns)
        credential_id,
        counter,
        now,
        backed_up,
        is_passkey,
    )
    return authenticator_of(row) if row else None


async def delete_of_account(db: Db, user_id: UUID, provider_account_id: str) -> bool:
    """Whether the user had an authenticator of a front end's beside this account, which is gone by this call."""
    row = await db.fetchrow(
        """
        DELETE FROM authenticators
         WHERE user_id = $1
           AND provider_account_id = $2
           AND NOT is_passkey
        RETURNING credential_id
        """,
        user_id,
        provider_account_id,
    )
    return row is not None


async def rename(db: Db, credential_id: bytes, user_id: UUID, name: str) -> Authenticator | None:
    """The user's authenticator, which is called so now; None where they have no such one."""
    row = await db.fetchrow(
        f"""
        UPDATE authenticators
           SET name = $3
         WHERE credential_id = $1
           AND user_id = $2
        RETURNING {COLUMNS}
        """,  # noqa: S608 (its columns)
        credential_id,
        user_id,
        name,
    )
    return authenticator_of(row) if row else None


async def remove(db: Db, credential_id: bytes, user_id: UUID) -> bool:
    """Whether it was the user's; it is gone by this call, and so is the account that Auth.js links beside it."""
    row = await db.fetchrow(
        """
        WITH gone AS (
            DELETE FROM authenticators
             WHERE credential_id = $1
               AND user_id = $2
            RETURNING user_id, provider_account_id
        ), unlinked AS (
            DELETE FROM accounts
             USING gone
             WHERE accounts.user_id = gone.user_id
               AND accounts.provider_account_id = gone.provider_account_id
               AND accounts.type = $3
        )
        SELECT user_id FROM gone
        """,
        credential_id,
        user_id,
        WEBAUTHN,
    )
    return row is not None


async def share_owner(db: Db, user_id: UUID) -> None:
    """Locks the user against being changed or deleted until the transaction ends; they may be gone already."""
    await db.fetchrow("SELECT id FROM users WHERE id = $1 FOR SHARE", user_id)
