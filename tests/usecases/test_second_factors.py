"""Codes of second factors: good once, of their user alone, and sealed or hashed in the database."""

import asyncio
from datetime import timedelta

import pytest

from auth_server.domain.errors import ThrottledError
from auth_server.domain.ids import new_id
from auth_server.domain.recovery_codes import find_code, hash_of, new_codes
from auth_server.domain.second_factor_errors import SecondFactorInvalidError
from auth_server.domain.secrets import KeyRing, Seal, SealBrokenError
from auth_server.domain.users import NewUser
from auth_server.mailing import outbox_of
from auth_server.storage import users
from auth_server.throttling import throttling_of
from auth_server.usecases.second_factors import SecondFactors
from tests.conftest import key_ring
from tests.second_factors import turned_on, wrong


@pytest.fixture
def factors(db, settings, clock):
    seal = Seal(KeyRing.of(settings.sealing_keys.get_secret_value()))
    return SecondFactors(seal, throttling_of(settings, db, clock), outbox_of(settings, clock), clock)


@pytest.fixture
async def ann(db, clock):
    """The id of a user."""
    user_id = new_id()
    await users.register(db, user_id, NewUser("Ann", "ann@example.org", "a hash", {}, None), clock())
    return user_id


@pytest.fixture
async def app(sql, settings, clock, ann):
    """The user's authenticator app; the time stands still."""
    clock.stopped_at = clock()
    return await turned_on(sql, settings, clock, ann)


@pytest.fixture
def check(db, factors, ann):
    """Has a code checked in a transaction of its own."""

    async def checked(code, user_id=ann):
        return await db.transaction(lambda inner: factors.check(inner, user_id, code))

    return checked


@pytest.fixture
async def codes(sql, ann, app):
    """The user's recovery codes."""
    made = new_codes()
    rows = [(ann, hash_of(find_code(code), app.secret)) for code in made]
    await sql.executemany("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)", rows)
    return made


@pytest.mark.requirement(30)
async def test_a_code_is_good_once(app, check):
    assert await check(app.code()) == "otp"

    with pytest.raises(SecondFactorInvalidError):
        await check(app.code())


@pytest.mark.requirement(30)
async def test_a_code_of_a_step_before_the_last_taken_is_good_no_more(app, check):
    await check(app.code(+1))

    for away in (-1, 0, +1):
        with pytest.raises(SecondFactorInvalidError):
            await check(app.code(away))


@pytest.mark.requirement(30)
async def test_codes_of_the_window_are_good_one_after_another(app, check):
    assert [await check(app.code(away)) for away in (-1, 0, +1)] == ["otp"] * 3


@pytest.mark.requirement(30)
@pytest.mark.parametrize("away", [-2, +2])
async def test_a_code_outside_of_the_window_is_none(app, check, away):
    with pytest.raises(SecondFactorInvalidError):
        await check(app.code(away))


@pytest.mark.requirement(30)
async def test_of_many_at_once_one_takes_a_code(app, check, codes):
    for code in (app.code(), codes[0]):
        found = await asyncio.gather(*(check(code) for _ in range(8)), return_exceptions=True)

        assert [each for each in found if not isinstance(each, SecondFactorInvalidError)] == ["otp"]


@pytest.mark.requirement(30)
async def test_a_recovery_code_is_good_once_and_the_others_stay(check, codes):
    assert await check(codes[0].lower()) == "otp"

    with pytest.raises(SecondFactorInvalidError):
        await check(codes[0])
    assert await check(codes[1].replace("-", " ")) == "otp"


@pytest.mark.requirement(30)
async def test_a_code_whose_use_came_to_nothing_is_good_still(db, factors, ann, app, codes, check):
    async def fails(inner, code):
        await factors.check(inner, ann, code)
        raise ThrottledError

    for code in (app.code(), codes[0]):
        with pytest.raises(ThrottledError):
            await db.transaction(lambda inner, code=code: fails(inner, code))

        assert await check(code) == "otp"


async def test_what_is_no_code_of_the_user_is_refused(sql, settings, clock, db, app, codes, check):
    other = new_id()
    await users.register(db, other, NewUser("Bob", "bob@example.org", "a hash", {}, None), clock())
    others = await turned_on(sql, settings, clock, other)

    for code in (wrong(app.code()), others.code(), new_codes()[0], "", "no code"):
        with pytest.raises(SecondFactorInvalidError):
            await check(code)
    with pytest.raises(SecondFactorInvalidError):
        await check(codes[0], other)


async def test_who_has_no_active_second_factor_has_no_good_code(sql, app, codes, ann, check):
    await sql.execute("UPDATE second_factors SET confirmed_at = NULL, expires = now() + interval '1 day'")

    for code in (app.code(), codes[0]):
        with pytest.raises(SecondFactorInvalidError):
            await check(code)
        with pytest.raises(SecondFactorInvalidError):
            await check(code, new_id())


@pytest.mark.requirement(30)
async def test_a_secret_lies_sealed_and_is_its_own_users_alone(sql, app, codes, check):
    rows = await sql.fetch("SELECT * FROM second_factors")
    kept = await sql.fetch("SELECT * FROM recovery_codes")

    assert app.secret not in rows[0]["sealed_secret"]
    assert not any(code in repr(kept) or find_code(code) in repr(kept) for code in codes)
    moved = new_id()
    await sql.execute("INSERT INTO users (id, created_at, updated_at) VALUES ($1, now(), now())", moved)
    await sql.execute(
        "INSERT INTO second_factors SELECT $1, sealed_secret, 0, created_at, expires, confirmed_at FROM second_factors",
        moved,
    )
    with pytest.raises(SealBrokenError):
        await check(app.code(), moved)


async def test_a_secret_is_sealed_anew_under_the_key_in_use(sql, db, settings, clock, ann, app, codes):
    ring = f"{key_ring('newer')},{settings.sealing_keys.get_secret_value()}"
    both = SecondFactors(Seal(KeyRing.of(ring)), throttling_of(settings, db, clock), outbox_of(settings, clock), clock)
    await db.transaction(lambda inner: both.check(inner, ann, app.code()))

    newer = SecondFactors(
        Seal(KeyRing.of(key_ring("newer"))), throttling_of(settings, db, clock), outbox_of(settings, clock), clock
    )
    for code in (app.code(+1), codes[0]):
        assert await db.transaction(lambda inner, code=code: newer.check(inner, ann, code)) == "otp"


async def test_the_user_is_known_to_have_a_second_factor_as_long_as_it_is_active(sql, app, ann, clock):
    since = "SELECT second_factor_since FROM users"

    assert await sql.fetchval(since) == clock()
    await sql.execute("DELETE FROM second_factors")
    assert await sql.fetchval(since) is None
    await sql.execute("INSERT INTO second_factors VALUES ($1, '', 0, now(), now(), NULL)", ann)
    assert await sql.fetchval(since) is None
    await sql.execute("UPDATE second_factors SET expires = NULL, confirmed_at = $1", clock())
    assert await sql.fetchval(since) == clock()


@pytest.mark.requirement(30)
async def test_wrong_codes_are_counted_and_a_right_one_gives_its_try_back(settings, db, clock, ann, app, check):
    small = settings.model_copy(update={"throttles": "second_factor.account=2"})
    factors = SecondFactors(
        Seal(KeyRing.of(key_ring("seal"))), throttling_of(small, db, clock), outbox_of(small, clock), clock
    )

    async def counted(code):
        async with factors.counted(ann):
            return await check(code)

    for away in (-1, 0, 1):
        assert await counted(app.code(away)) == "otp"
    for _ in range(2):
        with pytest.raises(SecondFactorInvalidError):
            await counted(wrong(app.code()))
    clock.advance(timedelta(seconds=90))
    with pytest.raises(ThrottledError):
        await counted(app.code())
    clock.advance(timedelta(minutes=30))
    assert await counted(app.code()) == "otp"
