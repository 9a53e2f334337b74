"""Families of refresh tokens: one family a sign-in, one living token a family."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from auth_server.domain.clients import Client
from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.methods import Proof
from auth_server.domain.refresh_tokens import KeptAnswer, PresentedToken
from auth_server.domain.users import Role
from auth_server.storage import audit
from auth_server.storage.database import Db, Row
from auth_server.storage.users import user_of

EndReason = Literal["logout", "reuse", "revoked", "ended"]


async def start_family(
    db: Db,
    family_id: UUID,
    user_id: UUID,
    token_hash: bytes,
    *,
    now: datetime,
    expires: datetime,
    ends: datetime,
    client: Client,
    proof: Proof,
    entry: audit.Entry,
) -> None:
    """Begins a sign-in, which is its event: its first token lives until `expires`, all of it until `ends`.

    The user's row is locked against being disabled, against another password, and against a second factor: who does
    that at this moment ends this sign-in too, or is before it.

    Raises:
        UserNotFoundError: the user was deleted or disabled meanwhile, or has another password than they proved, or a
            second factor that they did not prove.
    """
    row = await audit.change(
        db,
        entry,
        """
        WITH owner AS (
            SELECT id
              FROM users
             WHERE id = $2
               AND disabled_at IS NULL
               AND ($9::integer IS NULL OR password_version = $9)
               AND (second_factor_since IS NULL OR 'mfa' = ANY ($10::text[]))
               FOR SHARE
        ), changed AS (
            INSERT INTO refresh_families (id, user_id, created_at, expires, user_agent, address, methods)
            SELECT $1, id, $4, $6, $7, $8, $10
              FROM owner
            RETURNING id, user_id
        ), token AS (
            INSERT INTO refresh_tokens (token_hash, family_id, generation, expires)
            SELECT $3, id, 1, $5
              FROM changed
        )
        """,
        family_id,
        user_id,
        token_hash,
        now,
        expires,
        ends,
        client.agent,
        client.address,
        proof.password_version,
        list(proof.methods),
    )
    if row is None:
        raise UserNotFoundError


async def find(db: Db, token_hash: bytes) -> PresentedToken | None:
    """The token of this hash, used or not, as of one moment with its sign-in, its owner and the answer to its use."""
    row = await db.fetchrow(
        """
        SELECT presented.family_id, presented.generation, presented.expires, presented.used_at,
               successor.sealed_answer, successor.request_id_hash,
               refresh_families.expires AS family_expires, refresh_families.ended_at AS family_ended_at,
               refresh_families.methods,
               users.second_factor_since IS NOT NULL
                   AND 'mfa' <> ALL (refresh_families.methods) AS lacks_second_factor,
               users.id, users.name, users.email, users.email_verified, users.image, users.profile, users.role,
               users.locale, users.created_at, users.updated_at, users.disabled_at
          FROM refresh_tokens AS presented
          JOIN refresh_families ON refresh_families.id = presented.family_id
          JOIN users ON users.id = refresh_families.user_id
          LEFT JOIN refresh_tokens AS successor
            ON successor.family_id = presented.family_id
           AND successor.generation = presented.generation + 1
           AND successor.used_at IS NULL
         WHERE presented.token_hash = $1
        """,
        token_hash,
    )
    return _presented(row) if row else None


async def rotate(
    db: Db,
    used_hash: bytes,
    family_id: UUID,
    new_hash: bytes,
    *,
    now: datetime,
    expires: datetime,
    answer: KeptAnswer | None,
) -> bool:
    """Whether this call used the token up, and the new one follows it until `expires`, keeping the answer.

    Of any number of callers one gets it: the others wait for its row, and find it used. The answer that the used
    token itself kept is gone with its use. The family is locked before its token, as the deletion of a user does it,
    so that the two never wait for each other.
    """
    row = await db.fetchrow(
        """
        WITH family AS (
            SELECT refresh_families.id
              FROM refresh_families
              JOIN users ON users.id = refresh_families.user_id
             WHERE refresh_families.id = $2
               AND refresh_families.ended_at IS NULL
               AND refresh_families.expires > $4
               AND users.disabled_at IS NULL
               AND (users.second_factor_since IS NULL OR 'mfa' = ANY (refresh_families.methods))
               FOR KEY SHARE OF refresh_families
        ), used AS (
            UPDATE refresh_tokens
               SET used_at = $4, sealed_answer = NULL, request_id_hash = NULL
              FROM family
             WHERE refresh_tokens.token_hash = $1
               AND refresh_tokens.family_id = family.id
               AND refresh_tokens.used_at IS NULL
               AND refresh_tokens.expires > $4
            RETURNING refresh_tokens.family_id, refresh_tokens.generation
        )
        INSERT INTO refresh_tokens (token_hash, family_id, generation, expires, sealed_answer, request_id_hash)
        SELECT $3, family_id, generation + 1, $5, $6, $7
          FROM used
        RETURNING generation
        """,
        used_hash,
        family_id,
        new_hash,
        now,
        expires,
        answer.sealed if answer else None,
        answer.request_id_hash if answer else None,
    )
    return row is not None


async def find_owner(db: Db, token_hash: bytes) -> UUID | None:
    """The id of the token's user."""
    row = await db.fetchrow(
        """
        SELECT refresh_families.user_id
          FROM refresh_tokens
          JOIN refresh_families ON refresh_families.id = refresh_tokens.family_id
         WHERE refresh_tokens.token_hash = $1
        """,
        token_hash,
    )
    return row["user_id"] if row else None


async def end_family(db: Db, token_hash: bytes, reason: EndReason, now: datetime, entry: audit.Entry) -> UUID | None:
    """The family of this token, which ends by this call; None where it has ended or the token is unknown.

    Its user is locked before it, as the deletion of a user does it, so that the two never wait for each other.
    """
    row = await audit.change(
        db,
        entry,
        """
        WITH family AS (
            SELECT refresh_families.id
              FROM refresh_tokens
              JOIN refresh_families ON refresh_families.id = refresh_tokens.family_id
              JOIN users ON users.id = refresh_families.user_id
             WHERE refresh_tokens.token_hash = $1
               FOR KEY SHARE OF users
        ), changed AS (
            UPDATE refresh_families
               SET ended_at = $2, ended_reason = $3
              FROM family
             WHERE refresh_families.id = family.id
               AND refresh_families.ended_at IS NULL
            RETURNING refresh_families.id, refresh_families.user_id
        )
        """,
        token_hash,
        now,
        reason,
    )
    return row["id"] if row else None


async def find_role(db: Db, family_id: UUID, user_id: UUID, now: datetime) -> Role | None:
    """The present role of an enabled user whose sign-in lives; None once it has ended, or lacks their second factor."""
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
           AND (users.second_factor_since IS NULL OR 'mfa' = ANY (refresh_families.methods))
        """,
        family_id,
        user_id,
        now,
    )
    return Role(row["role"]) if row else None


def _presented(row: Row) -> PresentedToken:
    sealed = row["sealed_answer"]
    return PresentedToken(
        family_id=row["family_id"],
        generation=row["generation"],
        expires=row["expires"],
        used_at=row["used_at"],
        answer=KeptAnswer(sealed, row["request_id_hash"]) if sealed else None,
        family_expires=row["family_expires"],
        family_ended=row["family_ended_at"] is not None,
        methods=tuple(row["methods"]),
        lacks_second_factor=row["lacks_second_factor"],
        owner=user_of(row),
        owner_disabled=row["disabled_at"] is not None,
    )
