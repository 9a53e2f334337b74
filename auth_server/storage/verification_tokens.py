"""NextAuth's verification tokens, each good for one use."""

from __future__ import annotations

from datetime import datetime

from asyncpg import UniqueViolationError

from auth_server.domain.errors import VerificationTokenTakenError
from auth_server.storage.database import Db


async def create(db: Db, identifier: str, token_hash: bytes, expires: datetime) -> datetime:
    """When the token ends, as stored.

    Raises:
        VerificationTokenTakenError: the identifier has this token already.
    """
    try:
        row = await db.fetchrow(
            """
            INSERT INTO verification_tokens (identifier, token_hash, expires)
            VALUES ($1, $2, $3)
            RETURNING expires
            """,
            identifier,
            token_hash,
            expires,
        )
    except UniqueViolationError as error:
        raise VerificationTokenTakenError from error
    at: datetime = row["expires"]
    return at


async def use(db: Db, identifier: str, token_hash: bytes) -> datetime | None:
    """When the token would have ended, for the one caller that takes it; it is gone by this call."""
    if "\0" in identifier:
        return None
    row = await db.fetchrow(
        "DELETE FROM verification_tokens WHERE identifier = $1 AND token_hash = $2 RETURNING expires",
        identifier,
        token_hash,
    )
    return row["expires"] if row else None


async def delete_of(db: Db, email: str) -> None:
    """Deletes the tokens of this address, without regard to ASCII case."""
    await db.fetch(
        """
        DELETE FROM verification_tokens
         WHERE lower(identifier COLLATE "C") = lower($1::text COLLATE "C")
        """,
        email,
    )
