"""Retention of sign-ins: what is swept changes nothing for those that live."""

from datetime import UTC, datetime, timedelta

import pytest

from auth_server.usecases.sweeping import Retention, Sweeping, sweeps_of
from gatepost.v1 import session_service_pb2 as pb
from tests.people import refresh, refused

DAY = timedelta(days=1)


@pytest.fixture
def sweep(db, clock):
    """Does everything that a server sweeps."""
    sweeping = Sweeping(db, clock)

    async def all_of_it():
        return {each.what: await sweeping.turn(each) for each in sweeps_of(Retention(DAY, DAY))}

    return all_of_it


@pytest.fixture
async def ann(people, clock):
    clock.stopped_at = datetime.now(UTC)
    return await people.signed_in()


async def rotated(people, clock, token, *pauses):
    """All tokens of a sign-in that was refreshed after these pauses."""
    tokens = [token]
    for pause in pauses:
        clock.advance(pause)
        tokens.append((await refresh(people, tokens[-1])).refresh_token)
    return tokens


async def listed(people, caller_token, user_id):
    answer = await people.sessions.ListSignIns(
        pb.ListSignInsRequest(user_id=user_id), metadata=[("authorization", f"Bearer {caller_token}")]
    )
    return answer.sign_ins


@pytest.mark.requirement(63)
async def test_used_tokens_go_when_they_have_expired_and_the_sign_in_lives_on(people, sql, clock, ann, sweep):
    tokens = await rotated(people, clock, ann.refresh_token, *[5 * DAY] * 4)

    swept = await sweep()

    assert swept["expired refresh tokens"] == 2  # those of the days 0 and 5, good until 14 and 19
    assert await sql.fetchval("SELECT count(*) FROM refresh_tokens") == 3
    pair = await refresh(people, tokens[-1])
    [sign_in] = await listed(people, pair.access_token, ann.id)
    assert sign_in.last_use_time.ToDatetime(UTC) == clock()


@pytest.mark.requirement(63)
async def test_the_token_before_the_living_one_stays_and_tells_when_it_was_used(people, sql, clock, ann, sweep):
    await rotated(people, clock, ann.refresh_token, 13 * DAY)
    last_use = clock()
    clock.advance(2 * DAY)

    assert (await sweep())["expired refresh tokens"] == 0

    assert await sql.fetchval("SELECT max(used_at) FROM refresh_tokens") == last_use


@pytest.mark.requirement(63)
async def test_an_idle_sign_in_goes_without_a_revocation(people, sql, clock, ann, sweep):
    await rotated(people, clock, ann.refresh_token, DAY, DAY)
    await sql.execute("DELETE FROM revocations")
    clock.advance(14 * DAY + timedelta(hours=2))

    first = await sweep()
    clock.advance(DAY)
    second = await sweep()

    assert (first["idle sign-ins"], first["ended sign-ins"], second["ended sign-ins"]) == (1, 0, 1)
    for table in ("refresh_families", "refresh_tokens", "revocations"):
        assert await sql.fetchval(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.requirement(63)
async def test_a_sign_in_that_lives_is_not_taken_for_idle(people, sql, clock, ann, sweep):
    [*_, token] = await rotated(people, clock, ann.refresh_token, *[13 * DAY] * 3)

    assert (await sweep())["idle sign-ins"] == 0

    assert (await refresh(people, token)).refresh_token


@pytest.mark.requirement(63, 37)
async def test_a_second_use_is_noticed_for_as_long_as_the_token_would_have_lived(people, sql, clock, ann, sweep):
    tokens = await rotated(people, clock, ann.refresh_token, *[3 * DAY] * 4)
    await sweep()

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, tokens[0])

    assert await sql.fetchval("SELECT ended_reason FROM refresh_families") == "reuse"


@pytest.mark.requirement(63, 38)
async def test_an_answer_is_wiped_when_nobody_may_ask_for_it_again(people, sql, clock, ann, sweep):
    [first, second] = await rotated(people, clock, ann.refresh_token, timedelta(minutes=1))
    assert (await sweep())["answers to refreshes"] == 0
    assert (await refresh(people, first)).refresh_token == second

    clock.advance(timedelta(minutes=66))
    assert (await sweep())["answers to refreshes"] == 1

    assert await sql.fetchval("SELECT count(*) FROM refresh_tokens WHERE sealed_answer IS NOT NULL") == 0
    assert (await sweep())["answers to refreshes"] == 0
    assert (await refresh(people, second)).refresh_token
