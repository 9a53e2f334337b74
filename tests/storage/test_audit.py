"""The audit log holds what happened, to whom, when, and where in which request."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from auth_server.auditing import audit_seal_of
from auth_server.domain.audit_events import AuditEvent, Origin, current_origin
from auth_server.domain.audit_seal import Personal
from auth_server.domain.clients import Client
from auth_server.domain.ids import new_id
from auth_server.domain.secrets import KeyRing
from auth_server.storage import audit
from tests.conftest import key_ring

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SEAL = audit_seal_of(KeyRing.of(key_ring("seal")))


@pytest.fixture
def served():
    """A request that is served."""
    client = Client("192.0.2.7", "agent")
    before = current_origin.set(
        Origin("request-1", "AuthService/Login", lambda: ("service:a", None), lambda: client, SEAL)
    )
    yield
    current_origin.reset(before)


async def opened(sql):
    """What is personal in the newest event."""
    row = await sql.fetchrow(
        "SELECT e.event, e.sealed, k.sealed AS key, k.id FROM audit_events AS e JOIN audit_keys AS k ON k.id = e.key_id"
        " ORDER BY e.id DESC LIMIT 1"
    )
    return SEAL.open(row["sealed"], row["key"], row["id"], row["event"])


@pytest.mark.requirement(61)
async def test_an_event_tells_who_did_what_when_and_where(db, sql, served, people):
    user = await people.a_user()
    await sql.execute("DELETE FROM audit_events")

    await audit.record(db, AuditEvent.PASSWORD_RESET, UUID(user.id), NOW)

    row = await sql.fetchrow("SELECT at, event, user_id::text, request_id, rpc, caller, outcome FROM audit_events")
    assert tuple(row) == (NOW, "password-reset", user.id, "request-1", "AuthService/Login", "service:a", "ok")
    assert await opened(sql) == Personal("192.0.2.7", "agent")


async def test_work_of_the_servers_own_has_no_request(db, sql):
    await audit.record(db, AuditEvent.PASSWORD_RESET_REQUESTED, None, NOW)

    row = await sql.fetchrow("SELECT event, request_id, rpc, caller, sealed FROM audit_events")
    assert tuple(row) == ("password-reset-requested", None, None, None, None)


@pytest.mark.requirement(61)
async def test_what_is_personal_stands_nowhere_in_clear(db, sql, served):
    await audit.record(db, AuditEvent.REGISTRATION_REFUSED, None, NOW, email="ann@example.org")

    assert await opened(sql) == Personal("192.0.2.7", "agent", "ann@example.org")
    for table in ("audit_events", "audit_keys"):
        [row] = await sql.fetch(f"SELECT t::text AS text, t::text::bytea AS bytes FROM {table} AS t")
        for secret in ("192.0.2.7", "ann@example.org"):
            assert secret not in row["text"]
            assert secret.encode().hex() not in row["text"]


@pytest.mark.requirement(63)
async def test_no_key_is_made_for_a_user_who_is_gone(db, sql, served):
    await audit.record(db, AuditEvent.USER_DELETED, new_id(), NOW)

    assert await sql.fetchval("SELECT sealed FROM audit_events") is None
    assert await sql.fetchval("SELECT count(*) FROM audit_keys") == 0


@pytest.mark.requirement(61)
async def test_what_is_rolled_back_did_not_happen(db, sql):
    transaction = sql.transaction()
    await transaction.start()
    await audit.record(sql, AuditEvent.PASSWORD_RESET, new_id(), NOW)
    await transaction.rollback()

    assert await sql.fetchval("SELECT count(*) FROM audit_events") == 0
