"""Challenges of passkeys, each good for one use by whom it was made for; kept as hashes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_server.storage.database import Db


async def put_for_registration(
    db: Db, challenge_hash: bytes, sign_in_id: UUID, *, password_version: int, expires: datetime
) -> None:
    """Lets this sign-in register a passkey upon the challenge; the one that it had before is void."""
    await db.fetchrow(
        """
        INSERT INTO passkey_challenges (challenge_hash, family_id, password_version, expires)
        SELECT $1, id, $3, $4
          FROM refresh_families
         WHERE id = $2
        ON CONFLICT (family_id) DO UPDATE
           SET challenge_hash   = EXCLUDED.challenge_hash,
               password_version = EXCLUDED.password_version,
               expires          = EXCLUDED.expires
        """,
        challenge_hash,
        sign_in_id,
        password_version,
        expires,
    )


async def put_for_sign_in(db: Db, challenge_hash: bytes, ceremony_hash: bytes, expires: datetime) -> None:
    """Lets whoever brings the token of this hash sign in upon the challenge."""
    await db.fetchrow(
        "INSERT INTO passkey_challenges (challenge_hash, ceremony_hash, expires) VALUES ($1, $2, $3)",
        challenge_hash,
        ceremony_hash,
        expires,
    )


async def redeem_for_registration(db: Db, challenge_hash: bytes, sign_in_id: UUID, now: datetime) -> int | None:
    """The password version that was proven for it, for the one caller that takes it; it is gone by this call.

    None where it is not this sign-in's, or has expired.
    """
    row = await db.fetchrow(
        """
        DELETE FROM passkey_challenges
         WHERE challenge_hash = $1
           AND family_id = $2
           AND expires > $3
        RETURNING password_version
        """,
        challenge_hash,
        sign_in_id,
        now,
    )
    return row["password_version"] if row else None


async def redeem_for_sign_in(db: Db, challenge_hash: bytes, ceremony_hash: bytes, now: datetime) -> bool:
    """Whether it was of this ceremony and good, for the one caller that takes it; it is gone by this call."""
    row = await db.fetchrow(
        """
        DELETE FROM passkey_challenges
         WHERE challenge_hash = $1
           AND ceremony_hash = $2
           AND expires > $3
        RETURNING challenge_hash
        """,
        challenge_hash,
        ceremony_hash,
        now,
    )
    return row is not None
