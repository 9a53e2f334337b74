"""`gatepost audit`: verifying and exporting the audit log."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from auth_server.domain.audit_events import AuditEvent
from auth_server.storage import audit
from auth_server.storage.database import connected
from tests.audit import chaining
from tests.cli.command import refusal_of, run
from tests.conftest import key_ring

pytestmark = pytest.mark.timeout(180)
TABLES = ("audit_events", "audit_pending", "audit_links", "audit_checkpoints", "audit_signing_keys")


@pytest.fixture
async def past(keys_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database whose log has three events, and that no server chains."""
    connection = await asyncpg.connect(keys_database)
    await connection.execute("".join(f"DELETE FROM {table};" for table in TABLES))
    async with connected(keys_database, size=2) as db:
        for name in ("a", "b", "c"):
            now = datetime.now(UTC)
            await audit.add(db, AuditEvent.SIGNED_IN, None, now, caller=f"service:{name}", target=f"key:{name}")
        await chaining(db).turn()
    yield connection
    await connection.execute("".join(f"DELETE FROM {table};" for table in TABLES))
    await connection.close()


@pytest.fixture
def on(past: asyncpg.Connection, keys_database: str) -> dict[str, str]:
    return {"GATEPOST_DATABASE_URL": keys_database, "GATEPOST_SEALING_KEYS": key_ring("seal")}


@pytest.mark.requirement(62)
async def test_verify_says_that_nothing_was_changed_or_what_was(past: asyncpg.Connection, on: dict[str, str]) -> None:
    good = run("audit", "verify", **on)
    end = good.stdout.split()[-1]
    noted = run("audit", "verify", "--checkpoint", end, **on)
    await past.execute("UPDATE audit_events SET outcome = 'no' WHERE caller = 'service:b'")
    bad = run("audit", "verify", **on)

    assert (good.returncode, noted.returncode, bad.returncode) == (0, 0, 1)
    assert "3 events since" in good.stdout
    assert end.startswith("3:")
    assert "at position 2, was changed or moved" in bad.stdout


@pytest.mark.requirement(62)
async def test_verify_takes_no_checkpoint_on_trust_without_the_sealing_keys(on: dict[str, str]) -> None:
    other = run("audit", "verify", **{**on, "GATEPOST_SEALING_KEYS": key_ring("other")})
    del on["GATEPOST_SEALING_KEYS"]

    assert other.returncode == 1
    assert "of a key that our sealing keys do not open" in other.stdout
    assert "GATEPOST_SEALING_KEYS is missing" in refusal_of("audit", "verify", **on)


async def test_verify_refuses_what_is_no_checkpoint(on: dict[str, str]) -> None:
    assert "position:hash" in refusal_of("audit", "verify", "--checkpoint", "12", **on)


async def test_an_export_is_a_line_an_event_and_goes_on_behind_one(on: dict[str, str], tmp_path: Path) -> None:
    everything = run("audit", "export", **on)
    to_file = run("audit", "export", "--after", "2", "--output", str(tmp_path / "log"), **on)

    lines = [json.loads(line) for line in everything.stdout.splitlines()]
    assert (everything.returncode, to_file.returncode) == (0, 0)
    assert [(line["position"], line["caller"], line["target"]) for line in lines] == [
        (1, "service:a", "key:a"),
        (2, "service:b", "key:b"),
        (3, "service:c", "key:c"),
    ]
    assert {line["event"] for line in lines} == {"signed-in"}
    assert [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()] == lines[2:]
