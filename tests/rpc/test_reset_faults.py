"""A reset that fails, at whichever of its statements, has changed nothing."""

import grpc
import pytest

from auth_server.storage import database
from tests.people import refused
from tests.resets import NEW_PASSWORD

STATEMENTS = 6
TABLES = (
    "users",
    "one_time_tokens",
    "verification_tokens",
    "refresh_families",
    "refresh_tokens",
    "sessions",
    "outbox",
    "mail_allowances",
    "audit_events",
    "revocations",
)


class Fault:
    """Ends the connection to the database in front of the nth statement of a transaction."""

    def __init__(self, monkeypatch):
        self.at = 0
        self.seen = 0
        for name in ("fetch", "fetchrow"):
            monkeypatch.setattr(database._Transaction, name, self._failing(getattr(database._Transaction, name)))

    def _failing(self, run):
        async def failing(transaction, sql, *arguments):
            self.seen += 1
            if self.seen == self.at:
                await run(transaction, "SELECT pg_terminate_backend(pg_backend_pid())")
            return await run(transaction, sql, *arguments)

        return failing

    def set_at(self, number):
        self.at, self.seen = number, 0


async def content(sql):
    """Every row of every table that a reset writes to."""
    return {
        table: sorted(row[0] for row in await sql.fetch(f"SELECT each::text FROM {table} AS each")) for table in TABLES
    }


@pytest.fixture
async def ann(people):
    """A user with a sign-in and a session."""
    ann = await people.signed_in()
    await people.a_session(ann.id)
    return ann


@pytest.mark.requirement(48)
async def test_a_fault_at_any_statement_changes_nothing(people, resets, sql, ann, monkeypatch):
    token = await resets.token(ann.email)
    await sql.execute("INSERT INTO verification_tokens VALUES ($1, 'hash', now())", ann.email)
    before = await content(sql)
    fault = Fault(monkeypatch)

    for number in range(1, STATEMENTS + 1):
        fault.set_at(number)
        with refused("DATABASE_UNAVAILABLE"):
            await resets.reset(token)
        assert await content(sql) == before
    fault.set_at(STATEMENTS + 1)
    await resets.reset(token)

    assert fault.seen == STATEMENTS
    after = await content(sql)
    assert {table for table in TABLES if after[table] != before[table]} == set(TABLES) - {"refresh_tokens"}


@pytest.mark.requirement(48)
async def test_a_fault_at_the_end_of_the_transaction_changes_nothing(people, resets, sql, ann):
    token = await resets.token(ann.email)
    before = await content(sql)
    await sql.execute(
        """
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
        CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON audit_events DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION fail()
        """
    )
    try:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await resets.reset(token)
    finally:
        await sql.execute("DROP FUNCTION fail CASCADE")

    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert await content(sql) == before
    await resets.reset(token)
    assert await people.login(ann.email, NEW_PASSWORD)
