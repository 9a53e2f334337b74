"""One-time tokens, each good for one use, for one purpose, until its user's password changes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_server.domain.one_time_tokens import Purpose, Redeemed
from auth_server.storage.database import Db


async def put(db: Db, token_hash: bytes, purpose: Purpose, user_id: UUID, *, address: str, expires: datetime) -> bool:
    """Whether the enabled user has this token now, and none of this purpose from before.

    It is bound to their present password: the user's row is locked against a change of it at this moment.
    """
    row = await db.fetchrow(
        """
        INSERT INTO one_time_tokens (token_hash, purpose, user_id, address, password_version, expires)
        SELECT $1, $2, id, $4, password_version, $5
          FROM users
         WHERE id = $3
           AND disabled_at IS NULL
           FOR SHARE
        ON CONFLICT (user_id, purpose) DO UPDATE
           SET token_hash       = EXCLUDED.token_hash,
               address          = EXCLUDED.address,
               password_version = EXCLUDED.password_version,
               expires          = EXCLUDED.expires
        RETURNING user_id
        """,
        token_hash,
        purpose.value,
        user_id,
        address,
        expires,
    )
    return row is not None


async def redeem(db: Db, token_hash: bytes, purpose: Purpose, now: datetime) -> Redeemed | None:
    """Whose token it was and where it was mailed to, for the one caller that takes it; it is gone by this call.

    None where it is unknown, expired, used, of another purpose, or void: the user's password has changed since, the
    user is disabled, or, unless it confirms a new address, their address is no longer the one that it was mailed to.
    The user's row stays locked until the transaction ends. It is locked before the token, as every statement does
    it, so that no two wait for each other.
    """
    row = await db.fetchrow(
        """
        WITH owner AS (
            SELECT users.id
              FROM one_time_tokens
              JOIN users ON users.id = one_time_tokens.user_id
             WHERE one_time_tokens.token_hash = $1
               AND one_time_tokens.purpose = $2
               AND users.password_version = one_time_tokens.password_version
               AND users.disabled_at IS NULL
               AND ($2 = 'change-email'
                    OR lower(users.email COLLATE "C") = lower(one_time_tokens.address COLLATE "C"))
               FOR NO KEY UPDATE OF users
        )
        DELETE FROM one_time_tokens
         USING owner
         WHERE one_time_tokens.token_hash = $1
           AND one_time_tokens.purpose = $2
           AND one_time_tokens.expires > $3
           AND one_time_tokens.user_id = owner.id
        RETURNING one_time_tokens.user_id, one_time_tokens.address
        """,
        token_hash,
        purpose.value,
        now,
    )
    return Redeemed(row["user_id"], row["address"]) if row else None


async def is_live(db: Db, token_hash: bytes, now: datetime) -> bool:
    """Whether there is such a token, of any purpose, that has not expired; it may be void all the same."""
    row = await db.fetchrow("SELECT FROM one_time_tokens WHERE token_hash = $1 AND expires > $2", token_hash, now)
    return row is not None


async def void_all(db: Db, user_id: UUID) -> None:
    """Ends all tokens that wait in the user's mailbox: ours, and NextAuth's for their present address."""
    await db.fetch(
        """
        WITH of_the_adapter AS (
            DELETE FROM verification_tokens
             USING users
             WHERE users.id = $1
               AND identifier = ANY (ARRAY[users.email, lower(users.email COLLATE "C") COLLATE "default"])
        )
        DELETE FROM one_time_tokens
         WHERE user_id = $1
        """,
        user_id,
    )
