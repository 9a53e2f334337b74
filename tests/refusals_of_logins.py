"""Everybody who is refused at a login, for tests that look for a difference between them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

import asyncpg

from auth_server.domain.kept_hashes import KeptHashes
from auth_server.domain.passwords import PasswordHashes
from auth_server.domain.secrets import KeyRing
from auth_server.settings import AuthServerSettings

PASSWORD = "correct horse battery"
WRONG = "wrong horse battery"
KINDS = {
    "unknown": PASSWORD,
    "wrong": WRONG,
    "password-less": PASSWORD,
    "disabled": PASSWORD,
    "unverified": PASSWORD,
    "imported": WRONG,
    "two-factors": WRONG,
    "two-factors-disabled": PASSWORD,
    "two-factors-unverified": PASSWORD,
}
"""With what each of them logs in; the server must let nobody in whose address is not verified."""


def address_of(kind: str, number: int) -> str:
    return f"{kind}-{number:03}@example.org"


async def people_who_are_refused(
    sql: asyncpg.Connection, settings: AuthServerSettings, count: int, imported: Mapping[str, str]
) -> None:
    """So many of each kind but the unknown, and of each that was imported, by kind and hash."""
    peppers = KeyRing.of(settings.peppers.get_secret_value())
    kept, own = KeptHashes(peppers), PasswordHashes(peppers, settings.bcrypt_cost).make(PASSWORD)
    hashes: dict[str, str | None] = dict.fromkeys(KINDS.keys() - {"unknown", "imported"}, own) | {"password-less": None}
    hashes |= {kind: kept.keep(text) for kind, text in imported.items()}
    for kind, made in hashes.items():
        await sql.executemany(
            """
            INSERT INTO users (id, email, password_hash, email_verified, disabled_at, created_at, updated_at)
            VALUES ($1, $2, $3, CASE WHEN $4 NOT LIKE '%unverified' THEN now() END,
                    CASE WHEN $4 LIKE '%disabled' THEN now() END, now(), now())
            """,
            [(uuid4(), address_of(kind, number), made, kind) for number in range(count)],
        )
    await sql.execute(
        """
        INSERT INTO second_factors (user_id, sealed_secret, last_step, created_at, confirmed_at)
        SELECT id, '', 0, now(), now()
          FROM users
         WHERE email LIKE 'two-factors%'
        """
    )
