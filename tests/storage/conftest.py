"""Audit logs that no server chains."""

from datetime import timedelta

import asyncpg
import pytest

from auth_server.domain.audit_events import AuditEvent
from auth_server.storage import audit
from auth_server.storage.database import connected
from tests.audit import chaining, now

TABLES = ("audit_events", "audit_pending", "audit_links", "audit_checkpoints", "audit_signing_keys", "audit_keys")
BATCH = 4


@pytest.fixture
async def own(keys_database):
    """A database that no server chains."""
    async with connected(keys_database, size=4) as database:
        yield database


@pytest.fixture
async def past(keys_database, own):
    """A connection past the server, to an empty log."""
    connection = await asyncpg.connect(keys_database)
    await connection.execute("".join(f"DELETE FROM {table};" for table in TABLES))
    yield connection
    await connection.execute("".join(f"DELETE FROM {table};" for table in TABLES))
    await connection.close()


@pytest.fixture
async def log(own, past):
    """A log of ten events, in three batches."""
    for number in range(10):
        await audit.add(own, AuditEvent.SIGNED_IN, None, now() - timedelta(hours=10 - number), caller=f"user:{number}")
    assert await chaining(own, BATCH).turn() == 10
    return past
