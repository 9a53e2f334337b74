"""A user with a second factor signs in by two proofs, and by nothing less."""

import asyncio
from datetime import timedelta

import grpc
import pytest

from tests.challenges import amr, challenge_of, complete, recovery_codes_of
from tests.faults import Fault, content_of
from tests.people import reason_of, refresh, refused
from tests.second_factors import turned_on, wrong

STATEMENTS = 5
TABLES = ("sign_in_challenges", "second_factors", "refresh_families", "refresh_tokens", "audit_events")
FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
async def ann(people):
    return await people.signed_in()


@pytest.fixture
async def app(ann, sql, settings, clock):
    """Ann's authenticator app; none of her sign-ins lives."""
    found = await turned_on(sql, settings, clock, ann.id)
    await sql.execute("DELETE FROM refresh_families")
    return found


@pytest.mark.requirement(31)
async def test_the_right_password_opens_nothing_and_is_told_what_completes_it(people, ann, app, sql):
    challenge = await challenge_of(people, ann.email)

    assert len(bytes.fromhex(challenge)) == 32
    assert await sql.fetchval("SELECT count(*) FROM refresh_families") == 0
    events = await sql.fetch("SELECT event, outcome FROM audit_events WHERE user_id::text = $1 ORDER BY id", ann.id)
    assert tuple(events[-1]) == ("refused", "SECOND_FACTOR_REQUIRED")
    assert challenge not in str(await sql.fetch("SELECT * FROM sign_in_challenges"))


@pytest.mark.requirement(31)
async def test_a_code_completes_the_sign_in_which_remembers_both_proofs(people, ann, app):
    answer = await complete(people, await challenge_of(people, ann.email), app.next_code())

    assert answer.user.id == ann.id
    assert answer.device_token
    assert amr(answer.backend_tokens.access_token) == ["pwd", "otp", "mfa"]
    renewed = await refresh(people, answer.backend_tokens.refresh_token)
    assert amr(renewed.access_token) == ["pwd", "otp", "mfa"]


async def test_a_recovery_code_completes_it_as_well(people, ann, app, sql):
    codes = await recovery_codes_of(sql, ann.id, app)

    answer = await complete(people, await challenge_of(people, ann.email), codes[0].lower())

    assert amr(answer.backend_tokens.access_token) == ["pwd", "otp", "mfa"]


@pytest.mark.requirement(25)
async def test_who_does_not_know_the_password_learns_nothing_of_a_second_factor(people, ann, app, sql):
    with refused("CREDENTIALS_INVALID"):
        await people.login(ann.email, "a wrong password")

    assert await sql.fetchval("SELECT count(*) FROM sign_in_challenges") == 0


@pytest.mark.requirement(31)
async def test_a_challenge_is_good_once(people, ann, app):
    challenge = await challenge_of(people, ann.email)
    await complete(people, challenge, app.next_code())

    with refused("CHALLENGE_INVALID", grpc.StatusCode.UNAUTHENTICATED):
        await complete(people, challenge, app.next_code())


@pytest.mark.requirement(30, 31)
async def test_a_wrong_code_opens_nothing_and_leaves_the_challenge_good(people, ann, app, sql):
    challenge, code = await challenge_of(people, ann.email), app.next_code()

    for bad in (wrong(code), app.code(-2), "AAAAA-AAAAA", "x"):
        with refused("SECOND_FACTOR_INVALID", grpc.StatusCode.UNAUTHENTICATED):
            await complete(people, challenge, bad)

    assert await sql.fetchval("SELECT count(*) FROM refresh_families") == 0
    assert (await complete(people, challenge, code)).user.id == ann.id


@pytest.mark.requirement(30)
async def test_a_code_that_was_used_completes_no_other_sign_in(people, ann, app):
    one, other, code = await challenge_of(people, ann.email), await challenge_of(people, ann.email), app.next_code()
    await complete(people, one, code)

    with refused("SECOND_FACTOR_INVALID"):
        await complete(people, other, code)


@pytest.mark.requirement(31)
async def test_of_two_at_once_with_one_challenge_one_gets_in_and_the_other_loses_no_code(people, ann, app, sql):
    codes = await recovery_codes_of(sql, ann.id, app)
    challenge = await challenge_of(people, ann.email)

    results = await asyncio.gather(*(complete(people, challenge, code) for code in codes[:4]), return_exceptions=True)

    refusals = [reason_of(each) for each in results if isinstance(each, grpc.aio.AioRpcError)]
    assert refusals == ["CHALLENGE_INVALID"] * 3
    assert await sql.fetchval("SELECT count(*) FROM recovery_codes") == len(codes) - 1
    assert await sql.fetchval("SELECT count(*) FROM refresh_families") == 1


@pytest.mark.requirement(31)
async def test_a_fault_at_any_statement_spends_neither_challenge_nor_code(people, ann, app, sql, monkeypatch):
    challenge, code = await challenge_of(people, ann.email), app.next_code()
    before = await content_of(sql, TABLES)
    fault = Fault(monkeypatch)

    for number in range(1, STATEMENTS + 1):
        fault.set_at(number)
        with refused("DATABASE_UNAVAILABLE"):
            await complete(people, challenge, code)
        assert await content_of(sql, TABLES) == before
    fault.set_at(STATEMENTS + 1)
    await complete(people, challenge, code)

    assert fault.seen == STATEMENTS
    after = await content_of(sql, TABLES)
    assert {table for table in TABLES if after[table] != before[table]} == set(TABLES)


async def test_a_challenge_that_nobody_gave_is_refused(people, ann, app):
    for unknown in ("ab" * 32, "x"):
        with refused("CHALLENGE_INVALID"):
            await complete(people, unknown, app.next_code())


async def test_a_challenge_ends_after_five_minutes(people, ann, app, clock):
    one, other = await challenge_of(people, ann.email), await challenge_of(people, ann.email)
    clock.advance(FIVE_MINUTES - timedelta(seconds=20))
    await complete(people, one, app.next_code())
    clock.advance(timedelta(seconds=20))

    with refused("CHALLENGE_INVALID"):
        await complete(people, other, app.next_code())


async def change_password(people, ann, sql, resets):
    await resets.reset(await resets.token(ann.email))


async def replace_factor(people, ann, sql, resets):
    await sql.execute("UPDATE second_factors SET confirmed_at = confirmed_at + interval '1 s'")


async def disable(people, ann, sql, resets):
    await sql.execute("UPDATE users SET disabled_at = now()")


async def erase(people, ann, sql, resets):
    await sql.execute("DELETE FROM users")


@pytest.mark.requirement(31)
@pytest.mark.parametrize("change", [change_password, replace_factor, disable, erase])
async def test_a_challenge_is_void_once_what_it_was_bound_to_changes(people, ann, app, sql, resets, change):
    challenge = await challenge_of(people, ann.email)
    await change(people, ann, sql, resets)

    with refused("CHALLENGE_INVALID"):
        await complete(people, challenge, app.next_code())

    assert await sql.fetchval("SELECT count(*) FROM refresh_families") == 0
