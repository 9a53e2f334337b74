"""A reset that fails, at whichever of its statements, has changed nothing."""

import grpc
import pytest

from tests.faults import Fault, content_of
from tests.people import refused
from tests.resets import NEW_PASSWORD

STATEMENTS = 7
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
    before = await content_of(sql, TABLES)
    fault = Fault(monkeypatch)

    for number in range(1, STATEMENTS + 1):
        fault.set_at(number)
        with refused("DATABASE_UNAVAILABLE"):
            await resets.reset(token)
        assert await content_of(sql, TABLES) == before
    fault.set_at(STATEMENTS + 1)
    await resets.reset(token)

    assert fault.seen == STATEMENTS
    after = await content_of(sql, TABLES)
    assert {table for table in TABLES if after[table] != before[table]} == set(TABLES) - {"refresh_tokens"}


@pytest.mark.requirement(48)
async def test_a_fault_at_the_end_of_the_transaction_changes_nothing(people, resets, sql, ann):
    token = await resets.token(ann.email)
    before = await content_of(sql, TABLES)
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
    assert await content_of(sql, TABLES) == before
    await resets.reset(token)
    assert await people.login(ann.email, NEW_PASSWORD)
