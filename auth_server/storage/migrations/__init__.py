"""Brings a database to the present schema: numbered SQL files, forward only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

import asyncpg

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.storage.database import UNREACHABLE
from auth_server.storage.database_url import connection_options

# Any number, as long as it stays the same: two servers that migrate at once take turns on it.
ADVISORY_LOCK = 0x67617465706F7374
LOCK_PATIENCE_SECONDS = 10

LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationChangedError(Exception):
    """A migration that was applied has another text now."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of its text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def all_migrations() -> list[Migration]:
    """Every migration, in the order they are applied."""
    files = (file for file in resources.files(__name__).iterdir() if file.name.endswith(".sql"))
    return sorted((Migration(file.name, file.read_text("utf-8")) for file in files), key=lambda each: each.name)


async def migrate(url: str) -> list[str]:
    """Applies what is missing, each file in a transaction of its own; the names of those applied.

    Raises:
        DatabaseUnavailableError: the database cannot be reached, or refuses the user.
        MigrationChangedError: an applied migration was edited since.
    """
    connection = await _connection(url)
    try:
        return [each.name for each in all_migrations() if await _apply(connection, each)]
    finally:
        await connection.close()


async def pending(url: str) -> list[str]:
    """The names of migrations that the database still lacks.

    Raises:
        DatabaseUnavailableError: the database cannot be reached, or refuses the user.
        MigrationChangedError: an applied migration was edited since.
    """
    connection = await _connection(url)
    try:
        if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
            return [each.name for each in all_migrations()]
        return [each.name for each in await _missing(connection)]
    finally:
        await connection.close()


async def _connection(url: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(**connection_options(url, "gatepost migrate"))
    except (*UNREACHABLE, asyncpg.PostgresError, ValueError) as error:
        raise DatabaseUnavailableError from error


async def _missing(connection: asyncpg.Connection) -> list[Migration]:
    rows = await connection.fetch("SELECT name, checksum FROM schema_migrations")
    applied: dict[str, str] = {row["name"]: row["checksum"] for row in rows}
    for each in all_migrations():
        if applied.get(each.name, each.checksum) != each.checksum:
            raise MigrationChangedError(
                f"{each.name} was edited after it had been applied; migrations are forward only"
            )
    return [each for each in all_migrations() if each.name not in applied]


async def _apply(connection: asyncpg.Connection, migration: Migration) -> bool:
    """Whether the migration was applied by this call; the lock ends with the transaction, behind any pooler."""
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
        await connection.execute(LEDGER)
        if migration not in await _missing(connection):
            return False
        # A change that waits for a long transaction keeps everybody behind it waiting too: better to try again later.
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE_SECONDS}s'")
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
        )
    return True
