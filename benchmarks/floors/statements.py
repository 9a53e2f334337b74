"""The statements of the measured calls, and what has to be computed for them."""

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

from benchmarks.floors import sql

Row = Any  # asyncpg.Record, whose values are of any type
Key = tuple[UUID, AESGCM]  # of a user, under which what is personal of them is sealed
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
        self._keys: dict[UUID, Key] = {}

    async def session_and_user(self, token: str) -> Row:
        return await self._pool.fetchrow(
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
        owner = UUID(user_id)
        event = await self._event("session-started", "AdapterService/CreateSession", owner)
        return await self._pool.fetchrow(sql.SESSION_START, _hash(token), uuid4(), owner, expires, [], *event)

    async def delete_session(self, token: str) -> Row:
        owner: Row = await self._pool.fetchrow("SELECT user_id FROM sessions WHERE token_hash = $1", _hash(token))
        event = await self._event("session-ended", "AdapterService/DeleteSession", owner["user_id"])
        return await self._pool.fetchrow(sql.SESSION_END, _hash(token), *event)

    async def signed_in(self, email: str) -> tuple[Row, Tokens]:
        """The user, whose hash is checked but, for want of the pepper, matches nothing; and their tokens."""
        row: Row = await self._pool.fetchrow(sql.PASSWORD_OWNER, email)
        made = row["password_hash"].split("$", 2)[2].encode()
        await asyncio.get_running_loop().run_in_executor(self._hashing, bcrypt.checkpw, b"x" * 64, made)
        token, family_id, now = secrets.token_hex(32), uuid4(), datetime.now(UTC)
        times = now, now + TOKEN_LIFE, now + TOKEN_LIFE
        client = "an agent", "192.0.2.1"
        version = row["password_version"]
        event = await self._event("signed-in", "AuthService/Login", row["id"])
        await self._pool.fetchrow(
            sql.FAMILY_START, family_id, row["id"], _hash(token), *times, *client, version, ["pwd"], *event
        )
        return row, _tokens(row, family_id, token, now)

    async def rotated(self, token: str) -> Tokens:
        now = datetime.now(UTC)
        row: Row = await self._pool.fetchrow(sql.PRESENTED, _hash(token))
        tokens = _tokens(row, row["family_id"], secrets.token_hex(32), now)
        expires = min(now + TOKEN_LIFE, row["family_expires"])
        answer = _sealed(tokens, token, f"{row['family_id']} {row['generation']}")
        await self._pool.fetchrow(
            sql.ROTATION, _hash(token), row["family_id"], _hash(tokens.refresh), now, expires, answer, None
        )
        return tokens

    async def _event(self, name: str, rpc: str, user_id: UUID) -> tuple[object, ...]:
        """The values of an event, its personal part sealed under the key of the user, as of Gatepost's own."""
        now, nonce = datetime.now(UTC), secrets.token_bytes(12)
        key_id, key = self._keys.get(user_id) or await self._key_of(user_id, now)
        personal = orjson.dumps({"address": "192.0.2.1", "agent": "an agent", "email": None})
        sealed = nonce + key.encrypt(nonce, personal, name.encode())
        return now, name, str(uuid4()), rpc, "adapter", None, "ok", key_id, sealed, None

    async def _key_of(self, user_id: UUID, now: datetime) -> Key:
        """The id of the user's key; the key itself, for want of what opens it, is another."""
        subject, sealed = b"user " + user_id.bytes, secrets.token_bytes(68)
        row: Row = await self._pool.fetchrow(sql.KEY, uuid4(), subject, user_id, sealed, now)
        self._keys[user_id] = row["id"], AESGCM(secrets.token_bytes(32))
        return self._keys[user_id]


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
        "amr": ["pwd"],
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
