"""The statements that auth_server/storage runs for the measured calls, written out."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import bcrypt
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Row = Any  # asyncpg.Record, whose values are of any type
SIGNING_KEY = Ed25519PrivateKey.generate()
TOKEN_LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A pair of tokens, and when the first one ends."""

    access: str
    refresh: str
    expires_seconds: int


class Statements:
    """One method a statement, and what has to be computed for it."""

    def __init__(self, pool: asyncpg.Pool, hash_width: int) -> None:
        self._pool = pool
        self._hashing = ThreadPoolExecutor(hash_width)

    async def session_and_user(self, token: str) -> Row:
        return await self._pool.fetchrow(
            """
            SELECT sessions.id, sessions.user_id, sessions.expires,
                   users.name, users.email, users.email_verified, users.image
              FROM sessions
              JOIN users ON users.id = sessions.user_id
             WHERE sessions.token_hash = $1 AND sessions.expires > $2 AND users.disabled_at IS NULL
            """,
            _hash(token),
            datetime.now(UTC),
        )

    async def user_by_email(self, email: str) -> Row:
        return await self._pool.fetchrow(
            """
            SELECT id, name, email, email_verified, image
              FROM users
             WHERE lower(email COLLATE "C") = lower($1::text COLLATE "C")
            """,
            email,
        )

    async def create_session(self, token: str, user_id: str, expires: datetime) -> Row:
        return await self._pool.fetchrow(
            """
            WITH owner AS (
                SELECT id
                  FROM users
                 WHERE id = $3
                   AND disabled_at IS NULL
                   FOR SHARE
            )
            INSERT INTO sessions (token_hash, id, user_id, expires)
            SELECT $1, $2, id, $4
              FROM owner
            RETURNING id, user_id, expires
            """,
            _hash(token),
            uuid4(),
            UUID(user_id),
            expires,
        )

    async def delete_session(self, token: str) -> Row:
        return await self._pool.fetchrow(
            "DELETE FROM sessions WHERE token_hash = $1 RETURNING id, user_id, expires", _hash(token)
        )

    async def signed_in(self, email: str) -> tuple[Row, Tokens]:
        """The user, whose hash is checked but, for want of the pepper, matches nothing; and their tokens."""
        row: Row = await self._pool.fetchrow(_PASSWORD_OWNER, email)
        made = row["password_hash"].split("$", 2)[2].encode()
        await asyncio.get_running_loop().run_in_executor(self._hashing, bcrypt.checkpw, b"x" * 64, made)
        token, family_id, now = secrets.token_hex(32), uuid4(), datetime.now(UTC)
        times = now, now + TOKEN_LIFE, now + TOKEN_LIFE
        client = "an agent", "192.0.2.1"
        version = row["password_version"]
        await self._pool.fetchrow(_FAMILY_START, family_id, row["id"], _hash(token), *times, *client, version)
        return row, _tokens(row, family_id, token, now)

    async def rotated(self, token: str) -> Tokens:
        now = datetime.now(UTC)
        row: Row = await self._pool.fetchrow(_PRESENTED, _hash(token))
        tokens = _tokens(row, row["family_id"], secrets.token_hex(32), now)
        expires = min(now + TOKEN_LIFE, row["family_expires"])
        answer = _sealed(tokens, token, f"{row['family_id']} {row['generation']}")
        await self._pool.fetchrow(
            _ROTATION, _hash(token), row["family_id"], _hash(tokens.refresh), now, expires, answer, None
        )
        return tokens


_PASSWORD_OWNER = """
    SELECT id, name, email, email_verified, image, profile, role, locale, created_at, updated_at,
           password_hash, password_version, disabled_at
      FROM users
     WHERE lower(email COLLATE "C") = lower($1::text COLLATE "C")
    """

_FAMILY_START = """
    WITH owner AS (
        SELECT id
          FROM users
         WHERE id = $2
           AND disabled_at IS NULL
           AND ($9::integer IS NULL OR password_version = $9)
           FOR SHARE
    ), family AS (
        INSERT INTO refresh_families (id, user_id, created_at, expires, user_agent, address)
        SELECT $1, id, $4, $6, $7, $8
          FROM owner
        RETURNING id
    )
    INSERT INTO refresh_tokens (token_hash, family_id, generation, expires)
    SELECT $3, id, 1, $5
      FROM family
    RETURNING family_id
    """

_PRESENTED = """
    SELECT presented.family_id, presented.generation, presented.expires, presented.used_at,
           successor.sealed_answer, successor.request_id_hash,
           refresh_families.expires AS family_expires, refresh_families.ended_at AS family_ended_at,
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
    """

_ROTATION = """
    WITH family AS (
        SELECT refresh_families.id
          FROM refresh_families
          JOIN users ON users.id = refresh_families.user_id
         WHERE refresh_families.id = $2
           AND refresh_families.ended_at IS NULL
           AND refresh_families.expires > $4
           AND users.disabled_at IS NULL
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
    """


@asynccontextmanager
async def connected(url: str, size: int, *, hash_width: int) -> AsyncIterator[Statements]:
    """The statements on a pool with the options of the server's."""
    pool = await asyncpg.create_pool(url, min_size=1, max_size=size, reset=_leave_as_is)
    try:
        yield Statements(pool, hash_width)
    finally:
        await pool.close()


async def _leave_as_is(connection: Any) -> None:  # noqa: ARG001 (asyncpg hands it over)
    return


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _sealed(tokens: Tokens, token: str, row: str) -> bytes:
    key = HKDF(SHA256(), 32, salt=None, info=b"floor").derive(token.encode())
    nonce, answer = secrets.token_bytes(12), orjson.dumps([tokens.access, tokens.refresh, tokens.expires_seconds])
    return nonce + AESGCM(key).encrypt(nonce, answer, row.encode())


def _tokens(row: Row, family_id: UUID, refresh_token: str, now: datetime) -> Tokens:
    expires = int(now.timestamp()) + 900
    return Tokens(_access_token(row, family_id, expires), refresh_token, expires)


def _access_token(row: Row, family_id: UUID, expires: int) -> str:
    claims = {
        "iss": "gatepost",
        "aud": "gatepost",
        "sub": str(row["id"]),
        "sid": str(family_id),
        "jti": secrets.token_hex(16),
        "iat": expires - 900,
        "nbf": expires - 900,
        "exp": expires,
        "email": row["email"],
        "username": row["email"],
        "name": row["name"],
        "email_verified": row["email_verified"] is not None,
        "role": row["role"],
    }
    return jwt.encode(claims, SIGNING_KEY, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": "1"})
