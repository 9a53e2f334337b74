"""A flood of refusals becomes a count, and a database that is away keeps no refusal from being answered."""

import asyncio
from datetime import UTC, datetime

import pytest

from auth_server.auditing import audit_seal_of
from auth_server.domain.audit_events import Origin, current_origin
from auth_server.domain.clients import Client
from auth_server.domain.errors import CredentialsInvalidError, DatabaseUnavailableError
from auth_server.domain.secrets import KeyRing
from auth_server.interceptors.calls import Call, Method
from auth_server.interceptors.refusals import BURST, OWN_BURST, OWN_RATE_A_SECOND, RATE_A_SECOND, Refusals
from gatepost.v1 import auth_service_pb2
from tests.conftest import key_ring

LOGIN = Method.of(auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"].methods_by_name["Login"])
SEAL = audit_seal_of(KeyRing.of(key_ring("seal")))


class Seconds:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


def origin_of(rpc):
    return Origin("request-1", rpc, lambda: (None, None), lambda: Client("192.0.2.7"), SEAL)


@pytest.fixture
def served():
    origin = origin_of("AuthService/Login")
    before = current_origin.set(origin)
    yield
    current_origin.reset(before)


def refusing(db, seconds):
    async def refuse(request, call):
        raise CredentialsInvalidError

    refusals = Refusals(db, lambda: datetime.now(UTC), seconds)
    handler = refusals(LOGIN, refuse)

    async def attempt(times):
        for _ in range(times):
            with pytest.raises(CredentialsInvalidError):
                await handler(None, Call({}))

    return refusals, attempt


@pytest.mark.requirement(61)
async def test_a_flood_is_written_one_by_one_up_to_a_rate_and_then_counted(db, sql, served, seconds):
    refusals, attempt = refusing(db, seconds)

    await attempt(OWN_BURST + BURST + 30)
    seconds.now += 1
    await attempt(OWN_RATE_A_SECOND + RATE_A_SECOND + 10)
    await refusals.flush()

    rows = await sql.fetch("SELECT repeats, sum(repeats) AS sum FROM audit_events GROUP BY repeats ORDER BY repeats")
    assert [tuple(row) for row in rows] == [(1, 251), (40, 40)]
    counted = await sql.fetchrow("SELECT event, outcome, rpc, user_id, sealed FROM audit_events WHERE repeats > 1")
    assert tuple(counted) == ("refused", "CREDENTIALS_INVALID", "AuthService/Login", None, None)
    await refusals.flush()
    assert await sql.fetchval("SELECT count(*) FROM audit_events WHERE repeats > 1") == 1


@pytest.mark.requirement(61)
async def test_a_flood_at_one_door_hides_nothing_at_another(db, sql, served, seconds):
    _, attempt = refusing(db, seconds)
    await attempt(OWN_BURST + BURST + 30)

    before = current_origin.set(origin_of("AuthService/OAuthLogin"))
    await attempt(OWN_BURST + 5)
    current_origin.reset(before)

    count = "SELECT count(*) FROM audit_events WHERE rpc = 'AuthService/OAuthLogin'"
    assert await sql.fetchval(count) == OWN_BURST  # and a flood at all doors is one of so many rows alone


class Away:
    """A database that does not answer, or cannot be reached."""

    def __init__(self, silent):
        self.silent = silent

    async def fetchrow(self, sql, *arguments):
        if self.silent:
            await asyncio.sleep(60)
        raise DatabaseUnavailableError


@pytest.mark.requirement(61)
@pytest.mark.parametrize("silent", [True, False])
async def test_a_database_that_is_away_delays_no_refusal_for_long_and_loses_none(
    db, sql, served, seconds, monkeypatch, silent
):
    monkeypatch.setattr("auth_server.interceptors.refusals.PATIENCE_SECONDS", 0.05)
    refusals, attempt = refusing(Away(silent), seconds)

    async with asyncio.timeout(30):
        await attempt(3)
    refusals._db = db
    await refusals.flush()

    assert await sql.fetchval("SELECT repeats FROM audit_events") == 3


@pytest.mark.requirement(61)
async def test_who_hangs_up_while_a_refusal_is_written_does_not_go_unnoticed(db, sql, served, seconds):
    refusals, attempt = refusing(Away(silent=True), seconds)
    attempted = asyncio.create_task(attempt(1))
    await asyncio.sleep(0.05)

    attempted.cancel()
    await asyncio.wait([attempted])

    assert attempted.cancelled()
    refusals._db = db
    await refusals.flush()
    assert await sql.fetchval("SELECT sum(repeats) FROM audit_events") == 1
