"""The life of signing keys, which many servers carry on together on one database."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg
import pytest

from auth_server.domain.key_lives import KEPT_FOR, KeyPlan, KeyState
from auth_server.domain.signing_keys import Algorithm
from auth_server.storage import signing_keys
from auth_server.storage.database import connected
from auth_server.usecases.key_rotation import KeyRotation
from tests.keys import PLAN, Time, a_server, kid_of, sealing, states


@pytest.fixture
def time():
    return Time()


@pytest.fixture
async def db(keys_url):
    async with connected(keys_url, size=8) as database:
        yield database


@pytest.mark.requirement(40)
async def test_servers_that_start_at_once_share_one_active_and_one_next_key(db, time):
    servers = [a_server(db, time) for _ in range(6)]

    await asyncio.gather(*(each.tend() for each in servers))
    await asyncio.gather(*(each.tend() for each in servers))

    assert await states(db) == ["active", "next"]
    assert len({each.signing.kid for each in servers}) == 1
    assert len({tuple(key.kid for key in each.published) for each in servers}) == 1


@pytest.mark.requirement(40)
async def test_many_servers_make_exactly_one_rotation(keys_url, time):
    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(connected(keys_url, size=2)) for _ in range(4)]
        servers = [a_server(pool, time) for pool in pools for _ in range(3)]
        await servers[0].tend()
        following = await kid_of(pools[0], KeyState.NEXT)

        time.goes(PLAN.interval)
        await asyncio.gather(*(each.tend() for each in servers))
        await asyncio.gather(*(each.tend() for each in servers))

        assert await states(pools[0]) == ["active", "next", "retired"]
        assert {each.signing.kid for each in servers} == {following}


@pytest.mark.requirement(40)
async def test_many_statements_at_once_rotate_once(db, time):
    rotations = KeyRotation(db, sealing("seal"), PLAN)
    await a_server(db, time).tend()
    time.goes(PLAN.interval)

    done = await asyncio.gather(*(rotations.rotate(time.now) for _ in range(20)))

    assert len([kid for kid in done if kid]) == 1
    assert await states(db) == ["active", "retired"]


@pytest.mark.requirement(40)
async def test_the_statement_itself_asks_whether_a_rotation_is_due_and_the_next_key_ready(db, time):
    rotation = KeyRotation(db, sealing("seal"), PLAN)
    await a_server(db, time).tend()
    made, following = time.now, await kid_of(db, KeyState.NEXT)

    time.goes(PLAN.interval - timedelta(seconds=1))
    assert await rotation.rotate(time.now) is None
    await signing_keys.ask_rotation(db, time.now)
    assert await rotation.rotate(made + PLAN.publication - timedelta(seconds=1)) is None
    assert await states(db) == ["active", "next"]

    assert await rotation.rotate(made + PLAN.publication) == following


@pytest.mark.requirement(40)
async def test_a_key_is_published_for_longer_than_its_cache_before_it_signs(db, time):
    one = a_server(db, time)
    await one.tend()
    time.goes(PLAN.interval)
    await one.tend()  # from now on there is a next key that nobody has seen
    made = time.now
    first = one.signing.kid
    await signing_keys.ask_rotation(db, time.now)

    while one.signing.kid == first:
        time.goes(timedelta(seconds=1))
        await one.tend()

    assert time.now - made >= PLAN.cache + timedelta(seconds=1)
    assert time.now - made <= PLAN.cache + timedelta(seconds=10)


@pytest.mark.requirement(40)
async def test_a_retired_key_stays_for_the_longest_life_and_is_removed_then(db, time):
    one = a_server(db, time)
    await one.tend()
    first = one.signing.kid
    time.goes(PLAN.interval)
    await one.tend()

    time.goes(timedelta(minutes=15, seconds=6))
    await one.tend()
    assert first in one.verifying
    assert first == one.published[-1].kid
    time.goes(KEPT_FOR)
    await one.tend()

    assert first not in one.verifying
    assert await states(db) == ["active", "next"]


@pytest.mark.requirement(41)
async def test_a_key_that_signs_no_more_has_no_private_half_any_more(db, time):
    one = a_server(db, time)
    await one.tend()
    time.goes(PLAN.interval)
    await one.tend()
    await signing_keys.revoke(db, await kid_of(db, KeyState.NEXT), time.now)

    sealed = {key.life.state: key.sealed for key in await signing_keys.all_keys(db)}

    assert sealed[KeyState.RETIRED] == sealed[KeyState.REVOKED] == b""
    assert sealed[KeyState.ACTIVE]


async def test_keys_rotate_by_hand_alone_where_the_interval_is_zero(db, time):
    one = a_server(db, time, KeyPlan(Algorithm.EDDSA, timedelta(0), PLAN.cache))
    await one.tend()
    first = one.signing.kid

    time.goes(timedelta(days=900))
    await one.tend()
    assert one.signing.kid == first
    await signing_keys.ask_rotation(db, time.now)
    await one.tend()

    assert one.signing.kid != first


@pytest.mark.requirement(40)
async def test_a_revoked_key_is_gone_at_once_and_the_next_one_signs(db, time):
    one = a_server(db, time)
    await one.tend()
    first, following = one.signing.kid, await kid_of(db, KeyState.NEXT)

    revoked = await signing_keys.revoke(db, first, time.now)
    await one.tend()

    assert (revoked.was, revoked.promoted) == (KeyState.ACTIVE, following)
    assert one.signing.kid == following
    assert first not in one.verifying
    assert first not in [key.kid for key in one.published]
    assert await states(db) == ["active", "next", "revoked"]


async def test_an_active_key_without_a_next_one_is_replaced_when_it_is_revoked(db, time):
    one = a_server(db, time)
    await one.tend()
    for state in (KeyState.NEXT, KeyState.ACTIVE):
        await signing_keys.revoke(db, await kid_of(db, state), time.now)
    assert await states(db) == ["revoked", "revoked"]

    await asyncio.gather(one.tend(), a_server(db, time).tend(), a_server(db, time).tend())
    await one.tend()

    assert await states(db) == ["active", "next", "revoked", "revoked"]
    time.goes(KEPT_FOR + timedelta(seconds=1))
    await one.tend()
    assert await states(db) == ["active", "next"]


async def test_a_key_is_revoked_once(db, time):
    await a_server(db, time).tend()
    kid = await kid_of(db, KeyState.ACTIVE)

    done = await asyncio.gather(*(signing_keys.revoke(db, kid, time.now) for _ in range(10)))

    assert len([each for each in done if each]) == 1
    assert await states(db) == ["active", "revoked"]
    assert await signing_keys.revoke(db, "unknown", time.now) is None


@pytest.mark.requirement(40)
@pytest.mark.parametrize("turn", range(5))
async def test_revoking_and_rotating_at_once_leaves_one_active_key(db, time, turn):
    one = a_server(db, time)
    await one.tend()
    first = one.signing.kid
    time.goes(PLAN.interval)

    await asyncio.gather(
        *(signing_keys.revoke(db, first, time.now) for _ in range(3)),
        *(KeyRotation(db, sealing("seal"), PLAN).rotate(time.now) for _ in range(3)),
        *(a_server(db, time).tend() for _ in range(3)),
    )
    await one.tend()

    assert await states(db) == ["active", "next", "revoked"]
    assert first not in one.verifying


async def test_another_algorithm_takes_over_when_its_key_is_ready(db, time):
    await a_server(db, time).tend()
    time.goes(timedelta(days=1))
    one = a_server(db, time, KeyPlan(Algorithm.ES256, PLAN.interval, PLAN.cache))

    await one.tend()
    assert [key.algorithm.value for key in one.published] == ["EdDSA", "ES256"]
    time.goes(PLAN.cache)
    await one.tend()
    assert one.signing.algorithm is Algorithm.EDDSA
    time.goes(timedelta(seconds=10))
    await one.tend()

    assert [key.algorithm.value for key in one.published] == ["ES256", "ES256", "EdDSA"]
    assert one.signing.algorithm is Algorithm.ES256


async def test_servers_that_are_set_up_differently_do_not_take_turns_at_the_next_key(db, time):
    one, other = a_server(db, time), a_server(db, time, KeyPlan(Algorithm.ES256, PLAN.interval, PLAN.cache))
    await one.tend()
    following = await kid_of(db, KeyState.NEXT)

    for _ in range(20):
        time.goes(timedelta(seconds=1))
        await other.tend()
        await one.tend()

    assert await kid_of(db, KeyState.NEXT) == following


async def test_the_table_takes_no_second_active_or_next_key(db, time):
    await a_server(db, time).tend()

    for state in ("active", "next"):
        with pytest.raises(asyncpg.UniqueViolationError):
            await db.fetchrow("UPDATE signing_keys SET state = $1 RETURNING kid", state)
