"""The audit log holds what happened, to whom, when, and where in which request."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from asyncpg import NotNullViolationError

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
RENAMED = "WITH changed AS (UPDATE users SET name = $2 WHERE id = $1 RETURNING id AS user_id, name)"


class Counted:
    """A database that tells which statements it was asked for."""

    def __init__(self, db):
        self._db = db
        self.statements = []

    async def fetchrow(self, sql, *arguments):
        self.statements.append(sql)
        return await self._db.fetchrow(sql, *arguments)


@pytest.fixture
def served():
    """A request that is served."""
    client = Client("192.0.2.7", "agent")
    before = current_origin.set(
        Origin("request-1", "AuthService/Login", lambda: ("service:a", None), lambda: client, SEAL)
    )
    yield
    current_origin.reset(before)


@pytest.fixture
async def user_id(people, sql):
    """Of a user of whom the log holds nothing."""
    user = await people.a_user()
    await sql.execute("DELETE FROM audit_events")
    await sql.execute("DELETE FROM audit_keys")
    return UUID(user.id)


async def renamed(db, user_id, entry):
    return await audit.change(db, entry, RENAMED, user_id, "Renamed")


async def opened(sql):
    """What is personal in the newest event."""
    row = await sql.fetchrow(
        "SELECT e.event, e.sealed, k.sealed AS key, k.id FROM audit_events AS e JOIN audit_keys AS k ON k.id = e.key_id"
        " ORDER BY e.id DESC LIMIT 1"
    )
    return SEAL.open(row["sealed"], row["key"], row["id"], row["event"])


@pytest.mark.requirement(61)
@pytest.mark.parametrize("in_one_statement", [False, True])
async def test_an_event_tells_who_did_what_when_and_where(db, sql, served, user_id, in_one_statement):
    if in_one_statement:
        entry = await audit.entry_of(db, AuditEvent.PASSWORD_RESET, user_id, NOW)
        assert tuple(await renamed(db, user_id, entry)) == (user_id, "Renamed")
    else:
        await audit.record(db, AuditEvent.PASSWORD_RESET, user_id, NOW)

    row = await sql.fetchrow("SELECT at, event, user_id, request_id, rpc, caller, outcome FROM audit_events")
    assert tuple(row) == (NOW, "password-reset", user_id, "request-1", "AuthService/Login", "service:a", "ok")
    assert await opened(sql) == Personal("192.0.2.7", "agent")


@pytest.mark.requirement(61)
async def test_what_changes_nothing_is_no_event(db, sql, served, user_id):
    entry = await audit.entry_of(db, AuditEvent.PASSWORD_RESET, user_id, NOW)

    assert await renamed(db, new_id(), entry) is None

    assert await sql.fetchval("SELECT count(*) FROM audit_events") == 0


@pytest.mark.requirement(61)
async def test_what_cannot_be_noted_does_not_change(db, sql, served, user_id):
    entry = await audit.entry_of(db, AuditEvent.PASSWORD_RESET, user_id, NOW)

    with pytest.raises(NotNullViolationError):
        await renamed(db, user_id, entry._replace(event=None))

    assert await sql.fetchval("SELECT name FROM users WHERE id = $1", user_id) != "Renamed"


@pytest.mark.requirement(25)
async def test_a_refusal_takes_as_many_statements_for_a_user_who_was_here_as_for_a_stranger(db, sql, served, user_id):
    await audit.entry_of(db, AuditEvent.SIGNED_IN, user_id, NOW)
    counted, origin = Counted(db), current_origin.get()

    for origin.user_id, origin.email in ((user_id, "ann@example.org"), (None, "nobody@example.org")):
        await audit.record_refusal(counted, origin, "CREDENTIALS_INVALID", NOW)

    assert len(counted.statements) == 4
    assert counted.statements[:2] == counted.statements[2:]
    assert await sql.fetchval("SELECT count(*) FROM audit_events") == 2


async def test_the_key_of_a_user_is_looked_up_once(db, sql, served, user_id):
    first = await audit.entry_of(db, AuditEvent.SIGNED_IN, user_id, NOW)
    await sql.execute("ALTER TABLE audit_keys RENAME TO away")

    try:
        second = await audit.entry_of(db, AuditEvent.SIGNED_OUT, user_id, NOW)
    finally:
        await sql.execute("ALTER TABLE away RENAME TO audit_keys")

    assert first.key_id == second.key_id
    await renamed(db, user_id, second)
    assert await opened(sql) == Personal("192.0.2.7", "agent")


@pytest.mark.requirement(63)
@pytest.mark.parametrize("in_one_statement", [False, True])
async def test_a_key_that_was_shredded_seals_nothing_any_more(db, sql, served, user_id, in_one_statement):
    """Also where the server remembers it: an erasure may be another server's."""
    entry = await audit.entry_of(db, AuditEvent.SIGNED_OUT, user_id, NOW)
    assert entry.sealed
    await sql.execute("DELETE FROM audit_keys")

    if in_one_statement:
        await renamed(db, user_id, entry)
    else:
        await audit.record(db, AuditEvent.SIGNED_OUT, user_id, NOW)

    row = await sql.fetchrow("SELECT event, user_id, key_id, sealed FROM audit_events")
    assert tuple(row) == ("signed-out", user_id, None, None)


@pytest.mark.requirement(63)
async def test_nothing_is_sealed_under_the_key_of_another_than_it_turns_out_to_be_of(db, sql, served, user_id, people):
    """As of a session that changes hands between its look-up and its end: their own erasure would not shred it."""
    other = UUID((await people.a_user()).id)
    await sql.execute("DELETE FROM audit_events")
    entry = await audit.entry_of(db, AuditEvent.SESSION_ENDED, user_id, NOW)

    await renamed(db, other, entry)

    row = await sql.fetchrow("SELECT user_id, key_id, sealed FROM audit_events")
    assert tuple(row) == (other, None, None)


async def test_a_key_that_a_transaction_took_back_is_not_remembered(db, sql, served, user_id):
    async def work(transaction):
        await audit.record(transaction, AuditEvent.PASSWORD_RESET, user_id, NOW)
        raise LookupError

    with pytest.raises(LookupError):
        await db.transaction(work)
    await renamed(db, user_id, await audit.entry_of(db, AuditEvent.PASSWORD_RESET, user_id, NOW))

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
