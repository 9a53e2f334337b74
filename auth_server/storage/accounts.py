"""Accounts: which provider's identity is linked to which user."""

from __future__ import annotations

from asyncpg import ForeignKeyViolationError

from auth_server.domain.adapter import SealedAccount
from auth_server.domain.errors import UserNotFoundError
from auth_server.storage.database import Db, Row


def account_of(row: Row) -> SealedAccount:
    """The account of a row."""
    return SealedAccount(
        user_id=row["user_id"],
        type=row["type"],
        provider=row["provider"],
        provider_account_id=row["provider_account_id"],
        expires_at=row["expires_at"],
        token_type=row["token_type"],
        scope=row["scope"],
        sealed=row["sealed"],
    )


async def link(db: Db, account: SealedAccount) -> bool:
    """Whether the account is linked to its user now; False where it is another user's, whose it stays.

    Raises:
        UserNotFoundError: there is no such user.
    """
    try:
        row = await db.fetchrow(
            """
            INSERT INTO accounts (provider, provider_account_id, user_id, type, expires_at, token_type, scope, sealed)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (provider, provider_account_id) DO UPDATE
               SET type       = excluded.type,
                   expires_at = excluded.expires_at,
                   token_type = excluded.token_type,
                   scope      = excluded.scope,
                   sealed     = excluded.sealed
             WHERE accounts.user_id = excluded.user_id
            RETURNING user_id
            """,
            account.provider,
            account.provider_account_id,
            account.user_id,
            account.type,
            account.expires_at,
            account.token_type,
            account.scope,
            account.sealed,
        )
    except ForeignKeyViolationError as error:
        raise UserNotFoundError from error
    return row is not None


async def find(db: Db, provider: str, provider_account_id: str) -> SealedAccount | None:
    """The provider's account of this id."""
    if "\0" in provider or "\0" in provider_account_id:
        return None
    row = await db.fetchrow(
        """
        SELECT user_id, type, provider, provider_account_id, expires_at, token_type, scope, sealed
          FROM accounts
         WHERE provider = $1 AND provider_account_id = $2
        """,
        provider,
        provider_account_id,
    )
    return account_of(row) if row else None


async def unlink(db: Db, provider: str, provider_account_id: str) -> SealedAccount | None:
    """The account as it was; it is linked no more."""
    if "\0" in provider or "\0" in provider_account_id:
        return None
    row = await db.fetchrow(
        """
        DELETE FROM accounts
         WHERE provider = $1 AND provider_account_id = $2
        RETURNING user_id, type, provider, provider_account_id, expires_at, token_type, scope, sealed
        """,
        provider,
        provider_account_id,
    )
    return account_of(row) if row else None
