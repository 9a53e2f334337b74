"""What is held of a user, read for them in pages: each from behind the last row of the one before."""

from __future__ import annotations

from uuid import UUID

from auth_server.domain.adapter import SealedAccount, Session
from auth_server.domain.exports import (
    HeldChallenge,
    HeldOneTimeToken,
    HeldSignIn,
    HeldUser,
    HeldVerificationToken,
    NotedImage,
    SealedMail,
)
from auth_server.domain.one_time_tokens import Purpose
from auth_server.domain.revocations import Revocation
from auth_server.domain.stored_events import StoredEvent
from auth_server.storage.accounts import account_of
from auth_server.storage.audit import EVENT, event_of
from auth_server.storage.database import Db
from auth_server.storage.revocations import revocation_of
from auth_server.storage.users import user_of


async def find_user(db: Db, user_id: UUID) -> HeldUser | None:
    """The user of this id."""
    row = await db.fetchrow(
        """
        SELECT id, name, email, email_verified, image, profile, locale, role, created_at, updated_at, disabled_at,
               password_hash IS NOT NULL AS has_password
          FROM users
         WHERE id = $1
        """,
        user_id,
    )
    return HeldUser(user_of(row), row["disabled_at"], row["has_password"]) if row else None


async def accounts(db: Db, user_id: UUID, last: SealedAccount | None, size: int) -> list[SealedAccount]:
    """The user's accounts."""
    rows = await db.fetch(
        """
        SELECT user_id, type, provider, provider_account_id, expires_at, token_type, scope, sealed
          FROM accounts
         WHERE user_id = $1
           AND ($2::text IS NULL OR (provider, provider_account_id) > ($2, $3))
         ORDER BY provider, provider_account_id
         LIMIT $4
        """,
        user_id,
        last.provider if last else None,
        last.provider_account_id if last else None,
        size,
    )
    return [account_of(row) for row in rows]


async def sessions(db: Db, user_id: UUID, last: Session | None, size: int) -> list[Session]:
    """The user's NextAuth sessions, those that have expired included."""
    rows = await db.fetch(
        """
        SELECT id, user_id, expires, methods
          FROM sessions
         WHERE user_id = $1
           AND ($2::uuid IS NULL OR id > $2)
         ORDER BY id
         LIMIT $3
        """,
        user_id,
        last.id if last else None,
        size,
    )
    return [Session(row["id"], row["user_id"], row["expires"], tuple(row["methods"])) for row in rows]


async def sign_ins(db: Db, user_id: UUID, last: HeldSignIn | None, size: int) -> list[HeldSignIn]:
    """The user's sign-ins, those that have ended included."""
    rows = await db.fetch(
        """
        SELECT id, user_agent, address, created_at, expires, ended_at, ended_reason, methods,
               ARRAY(SELECT used_at
                       FROM refresh_tokens
                      WHERE family_id = refresh_families.id
                        AND used_at IS NOT NULL
                      ORDER BY generation) AS refreshed_at
          FROM refresh_families
         WHERE user_id = $1
           AND ($2::uuid IS NULL OR id > $2)
         ORDER BY id
         LIMIT $3
        """,
        user_id,
        last.id if last else None,
        size,
    )
    return [
        HeldSignIn(
            id=row["id"],
            device=row["user_agent"],
            address=row["address"],
            created=row["created_at"],
            expires=row["expires"],
            ended_at=row["ended_at"],
            ended_reason=row["ended_reason"],
            refreshed_at=row["refreshed_at"],
            methods=row["methods"],
        )
        for row in rows
    ]


async def verification_tokens(
    db: Db, email: str, last: HeldVerificationToken | None, size: int
) -> list[HeldVerificationToken]:
    """The verification tokens of this address, without regard to ASCII case."""
    rows = await db.fetch(
        """
        SELECT identifier, token_hash, expires
          FROM verification_tokens
         WHERE lower(identifier COLLATE "C") = lower($1::text COLLATE "C")
           AND ($2::bytea IS NULL OR (token_hash, identifier) > ($2, $3))
         ORDER BY token_hash, identifier
         LIMIT $4
        """,
        email,
        last.token_hash if last else None,
        last.identifier if last else None,
        size,
    )
    return [HeldVerificationToken(row["identifier"], row["token_hash"], row["expires"]) for row in rows]


async def one_time_tokens(db: Db, user_id: UUID, last: HeldOneTimeToken | None, size: int) -> list[HeldOneTimeToken]:
    """The user's tokens of mailed links: one a purpose at the most."""
    rows = await db.fetch(
        """
        SELECT purpose, address, expires
          FROM one_time_tokens
         WHERE user_id = $1
           AND ($2::text IS NULL OR purpose > $2)
         ORDER BY purpose
         LIMIT $3
        """,
        user_id,
        last.purpose.value if last else None,
        size,
    )
    return [HeldOneTimeToken(Purpose(row["purpose"]), row["address"], row["expires"]) for row in rows]


async def challenges(db: Db, user_id: UUID, last: HeldChallenge | None, size: int) -> list[HeldChallenge]:
    """The user's sign-ins that wait for the second factor, those that have expired included."""
    rows = await db.fetch(
        """
        SELECT challenge_hash, methods, expires
          FROM sign_in_challenges
         WHERE user_id = $1
           AND ($2::bytea IS NULL OR challenge_hash > $2)
         ORDER BY challenge_hash
         LIMIT $3
        """,
        user_id,
        last.hash if last else None,
        size,
    )
    return [HeldChallenge(row["challenge_hash"], row["methods"], row["expires"]) for row in rows]


async def mails(db: Db, of: tuple[UUID, str | None], last: SealedMail | None, size: int) -> list[SealedMail]:
    """The mails of the user, and those to this address, without regard to ASCII case, that are nobody's yet."""
    rows = await db.fetch(
        """
        SELECT id, kind, recipient, locale, created_at, expires, dead_at, attempts, last_error, sealed
          FROM outbox
         WHERE (user_id = $1
                OR (user_id IS NULL AND lower(recipient COLLATE "C") = lower($2::text COLLATE "C")))
           AND ($3::uuid IS NULL OR id > $3)
         ORDER BY id
         LIMIT $4
        """,
        *of,
        last.id if last else None,
        size,
    )
    return [SealedMail(**row) for row in rows]


async def audit_events(
    db: Db, user_id: UUID, last: tuple[StoredEvent, bytes | None] | None, size: int
) -> list[tuple[StoredEvent, bytes | None]]:
    """The entries of the audit log that speak of the user, each with its key where that is the user's own."""
    rows = await db.fetch(
        f"""
        SELECT {EVENT}, audit_keys.sealed AS key
          FROM audit_events
          LEFT JOIN audit_keys ON audit_keys.id = audit_events.key_id
                              AND audit_keys.user_id = $1
         WHERE audit_events.user_id = $1
           AND audit_events.id > $2
         ORDER BY audit_events.id
         LIMIT $3
        """,  # noqa: S608 (its columns stand in storage/audit.py)
        user_id,
        last[0].id if last else 0,
        size,
    )
    return [(event_of(row), row["key"]) for row in rows]


async def images(db: Db, user_id: UUID, last: NotedImage | None, size: int) -> list[NotedImage]:
    """The images of the user that the store holds."""
    rows = await db.fetch(
        """
        SELECT name, url
          FROM images
         WHERE user_id = $1
           AND name > $2
         ORDER BY name
         LIMIT $3
        """,
        user_id,
        last.name if last else "",
        size,
    )
    return [NotedImage(**row) for row in rows]


async def revocations(db: Db, user_id: UUID, last: Revocation | None, size: int) -> list[Revocation]:
    """The entries of the revocation log that speak of the user, or of a sign-in of theirs that is still kept."""
    rows = await db.fetch(
        """
        SELECT number, transaction, subject, subject_id, reason, revoked_at
          FROM revocations
         WHERE number > $2
           AND ((subject = 'user' AND subject_id = $1::uuid::text)
                OR (subject = 'sign_in'
                    AND subject_id IN (SELECT id::text FROM refresh_families WHERE user_id = $1)))
         ORDER BY number
         LIMIT $3
        """,
        user_id,
        last.number if last else 0,
        size,
    )
    return [revocation_of(row) for row in rows]
