"""Brings a database to the present schema, while servers of this version and the one before work on it.

Numbered SQL files, forward only. `scripts/check migrations` says which statements may stand in them.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass
from importlib import resources

import asyncpg

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.storage.database import UNREACHABLE
from auth_server.storage.database_url import connection_options

# Any number, as long as it stays the same: two servers that migrate at once take turns on it.
ADVISORY_LOCK = 0x67617465706F7374
LOCK_TIMEOUT_SECONDS = 0.5
"""How long a statement waits for a table: behind it, everybody else waits as long."""
PATIENCE_SECONDS = 60.0
"""How long a migration is tried that finds its tables locked, or another migrating."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0

_COMMENTS = re.compile(r"--[^\n]*")
_CONCURRENT = re.compile(r"CREATE(?: UNIQUE)? INDEX CONCURRENTLY (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE)
# What another's work in the tables makes of a statement; nothing of it was done, and the next try may succeed.
_BLOCKED = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)

LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationChangedError(Exception):
    """A migration that was applied has another text now."""


class MigrationBlockedError(Exception):
    """A transaction holds a table for longer than a migration waits."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file: any statements for one transaction, or one alone that makes an index CONCURRENTLY."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of its text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def concurrent_index(self) -> str | None:
        """The index that it makes while others write to the table, which no transaction can; else None."""
        found = _CONCURRENT.match(" ".join(_COMMENTS.sub("", self.sql).split()))
        return found[1] if found else None


def all_migrations() -> list[Migration]:
    """Every migration, in the order they are applied."""
    files = (file for file in resources.files(__name__).iterdir() if file.name.endswith(".sql"))
    return sorted((Migration(file.name, file.read_text("utf-8")) for file in files), key=lambda each: each.name)


async def migrate(url: str) -> list[str]:
    """Applies what is missing, each file in a transaction of its own; the names of those applied.

    No statement waits long for a table that others work in: it gives way, and is tried again.

    Raises:
        DatabaseUnavailableError: the database cannot be reached, or refuses the user.
        MigrationBlockedError: its tables were locked, or another migrated, for a minute.
        MigrationChangedError: an applied migration was edited since.
    """
    connection = await _connection(url)
    try:
        return [each.name for each in all_migrations() if await _applied(connection, each, url)]
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


async def _applied(connection: asyncpg.Connection, migration: Migration, url: str) -> bool:
    """Whether the migration was applied by this call."""
    end, pause = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        try:
            return await _try(connection, migration, url)
        except _BLOCKED as error:
            if time.monotonic() + pause > end:
                raise MigrationBlockedError(
                    f"{migration.name} could not be applied for {PATIENCE_SECONDS:.0f} seconds: {error}"
                ) from error
        # Whoever waited behind the statement goes first.
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def _try(connection: asyncpg.Connection, migration: Migration, url: str) -> bool:
    """Whether the migration was applied by this call; the lock ends with the transaction, behind any pooler."""
    async with connection.transaction():
        # Asked for, not waited for: who makes an index concurrently waits for every statement that began before.
        if not await connection.fetchval(f"SELECT pg_try_advisory_xact_lock({ADVISORY_LOCK})"):
            raise asyncpg.LockNotAvailableError("another migrates")
        await connection.execute(LEDGER)
        if migration not in await _missing(connection):
            return False
        if migration.concurrent_index:
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            await _run_apart(url, migration)
        else:
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
            await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
        )
    return True


async def _run_apart(url: str, migration: Migration) -> None:
    """Runs it outside of a transaction. What an attempt that failed has left of the index goes first."""
    connection = await _connection(url)
    try:
        # Nobody waits behind it: it lets readers and writers of the table work on.
        await connection.execute(f"SET lock_timeout = '{PATIENCE_SECONDS}s'; SET statement_timeout = 0")
        await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {migration.concurrent_index}")
        await connection.execute(migration.sql)
    finally:
        await connection.close()
