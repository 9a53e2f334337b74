"""Codes of second factors are guessed as seldom as passwords, whichever RPC takes them, for all servers together."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gatepost.v1 import second_factor_service_pb2 as pb
from tests.people import PASSWORD, refresh, refused
from tests.second_factors import app_of, begun, with_second_factor, wrong
from tests.services import a_service
from tests.throttled import MOST_FAILURES, SMALL, Client, wait_of

LIMIT = SMALL["second_factor.account"]
CONFIRM, MAKE, REMOVE, RESET = (
    f"SecondFactorService/{rpc}"
    for rpc in ("ConfirmTotp", "MakeRecoveryCodes", "RemoveSecondFactor", "ResetSecondFactor")
)


@pytest.fixture
def client(throttled):
    return Client(throttled[0])


@pytest.fixture
def other_server(throttled):
    return Client(throttled[1])


@pytest.fixture
async def ann(people, sql):
    """A person whose address is verified, signed in."""
    signed_in = await people.signed_in()
    await sql.execute("UPDATE users SET email_verified = now()")
    return signed_in


@pytest.fixture
async def app(people, ann, clock, sql):
    """Ann's app, of which the time stands still."""
    clock.stopped_at = clock()
    app, _ = await with_second_factor(people, ann, clock)
    await sql.execute("DELETE FROM budgets")
    return app


def removal(code, password=PASSWORD):
    return pb.RemoveSecondFactorRequest(code=code, current_password=password)


def codes(code):
    return pb.MakeRecoveryCodesRequest(code=code)


@pytest.mark.requirement(27, 30)
async def test_all_that_take_a_code_share_an_accounts_tries(client, other_server, ann, app):
    bad = wrong(app.code())

    outcomes = [
        await client.outcome_of(MAKE, codes(bad), ann.bearer),
        await other_server.outcome_of(REMOVE, removal(bad), ann.bearer),
        await client.outcome_of(MAKE, codes("7K0QM-1ZX9A"), ann.bearer),
    ]

    assert outcomes == ["SECOND_FACTOR_INVALID"] * LIMIT
    right = app.next_code()
    assert await client.outcome_of(REMOVE, removal(right), ann.bearer) == "THROTTLED"
    assert await other_server.outcome_of(MAKE, codes(right), ann.bearer) == "THROTTLED"


@pytest.mark.requirement(27, 30)
async def test_confirming_takes_from_the_same(client, people, ann, clock):
    app = app_of(await begun(people, ann), clock)
    bad = pb.ConfirmTotpRequest(code=wrong(app.code()))

    outcomes = [await client.outcome_of(CONFIRM, bad, ann.bearer) for _ in range(LIMIT + 1)]

    assert outcomes == ["SECOND_FACTOR_INVALID"] * LIMIT + ["THROTTLED"]
    assert await client.outcome_of(CONFIRM, pb.ConfirmTotpRequest(code=app.code()), ann.bearer) == "THROTTLED"
    assert await client.outcome_of(MAKE, codes(app.code()), ann.bearer) == "THROTTLED"


@pytest.mark.requirement(27, 30)
async def test_of_a_hundred_guesses_at_once_no_more_than_the_limit_are_evaluated(client, other_server, ann, app):
    bad = codes(wrong(app.code()))
    calls = [each.outcome_of(MAKE, bad, ann.bearer) for each in (client, other_server) for _ in range(50)]

    outcomes = await asyncio.gather(*calls)

    assert 1 <= outcomes.count("SECOND_FACTOR_INVALID") <= LIMIT
    assert {*outcomes} == {"SECOND_FACTOR_INVALID", "THROTTLED"}


@pytest.mark.requirement(30)
async def test_a_right_code_gives_its_try_back_and_forgets_the_wrong_ones(client, ann, app, sql):
    for _ in range(LIMIT - 1):
        await client.outcome_of(MAKE, codes(wrong(app.code())), ann.bearer)

    assert await client.outcome_of(MAKE, codes(app.next_code()), ann.bearer) == "OK"

    assert await sql.fetchval("SELECT max(failures) FROM budgets") == 0


@pytest.mark.requirement(30)
async def test_what_is_no_guess_at_a_code_takes_no_try(client, ann, app, sql, people):
    for _ in range(LIMIT):
        assert await client.outcome_of(REMOVE, removal(app.code(), "wrong"), ann.bearer) == "CURRENT_PASSWORD_INVALID"
    bob = await people.signed_in()
    for _ in range(LIMIT + 1):
        assert await client.outcome_of(MAKE, codes("123456"), bob.bearer) == "SECOND_FACTOR_NOT_FOUND"

    assert await client.outcome_of(MAKE, codes(app.next_code()), ann.bearer) == "OK"


@pytest.mark.requirement(29, 30)
async def test_so_many_wrong_codes_in_a_row_are_the_last_until_a_reset(client, ann, app, clock, people, sql):
    bearer, refresh_token = ann.bearer, ann.refresh_token
    for _ in range(MOST_FAILURES):
        assert await client.outcome_of(MAKE, codes(wrong(app.code())), bearer) == "SECOND_FACTOR_INVALID"
        clock.stopped_at += timedelta(hours=1)
        pair = await refresh(people, refresh_token)
        bearer, refresh_token = [("authorization", f"Bearer {pair.access_token}")], pair.refresh_token

    with refused("THROTTLED") as caught:
        await client.call(MAKE, codes(app.next_code()), bearer)
    assert wait_of(caught.value) > timedelta(days=29).total_seconds()

    service = await a_service(sql, "gatepost.v1.SecondFactorService/ResetSecondFactor")
    await client.call(RESET, pb.ResetSecondFactorRequest(user_id=ann.id), service.basic)
    ann = await people.login(ann.email)
    code = app_of(await begun(people, ann), clock).next_code()
    assert await client.outcome_of(CONFIRM, pb.ConfirmTotpRequest(code=code), ann.bearer) == "OK"
