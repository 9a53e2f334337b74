"""The audit log of tests, chained when a test says so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from auth_server.auditing import audit_seal_of
from auth_server.domain.secrets import KeyRing, Seal
from auth_server.storage.database import Database
from auth_server.usecases.audit_chaining import Chaining
from auth_server.usecases.audit_keys import CheckpointKeys
from auth_server.usecases.audit_verification import AuditVerification
from tests.conftest import key_ring

RING = KeyRing.of(key_ring("seal"))
KEYS = CheckpointKeys(Seal(RING))
SEAL = audit_seal_of(RING)


def now() -> datetime:
    return datetime.now(UTC)


def chaining(db: Database, batch: int = 500, clock: Callable[[], datetime] = now) -> Chaining:
    """What gives events their places, as the tests' server does."""
    return Chaining(db, KEYS, clock, batch)


async def chained(db: Database, sql: asyncpg.Connection) -> None:
    """Gives every event its place, or waits for the server that is about it."""
    while await sql.fetchval("SELECT EXISTS (SELECT FROM audit_pending)"):
        await chaining(db).turn()


def verification(db: Database) -> AuditVerification:
    """What holds the log against its chain."""
    return AuditVerification(db, KEYS, SEAL, now)


async def done_by_command(sql: asyncpg.Connection) -> list[tuple[str, str | None]]:
    """The name and target of each event of an operator's command, in the order in which they were written."""
    rows = await sql.fetch("SELECT event, target FROM audit_events WHERE caller = 'command' ORDER BY id")
    return [(row["event"], row["target"]) for row in rows]


@asynccontextmanager
async def refusing_events(sql: asyncpg.Connection) -> AsyncIterator[None]:
    """No event can be written meanwhile."""
    await sql.execute("ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    try:
        yield
    finally:
        await sql.execute("ALTER TABLE audit_events DROP CONSTRAINT full_disk")


async def events_of(sql: asyncpg.Connection, user_id: str | None = None) -> list[str]:
    """The names of a user's events, or of all, in the order in which they were written; of refusals, the reasons."""
    rows = await sql.fetch(
        "SELECT CASE event WHEN 'refused' THEN outcome ELSE event END AS name FROM audit_events"
        " WHERE $1::text IS NULL OR user_id::text = $1 ORDER BY id",
        user_id,
    )
    return [row["name"] for row in rows]
