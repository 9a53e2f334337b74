"""How often a code may be guessed that completes a sign-in, and by whom."""

import asyncio
from collections import Counter
from datetime import timedelta

import grpc
import pytest

from auth_server.usecases.throttling import STATEMENTS_AT_ONCE
from gatepost.v1 import auth_service_pb2 as pb
from tests.challenges import challenge_in
from tests.people import reason_of
from tests.second_factors import turned_on, wrong
from tests.throttled import MOST_FAILURES, SMALL, Client, login_request
from tests.waiting import backends_that_wait

HOUR = timedelta(hours=1)
LIMIT = SMALL["second_factor.account"]


@pytest.fixture
def client(throttled):
    return Client(throttled[0])


@pytest.fixture
async def ann(people):
    return await people.signed_in()


@pytest.fixture
async def app(ann, sql, settings, clock):
    return await turned_on(sql, settings, clock, ann.id)


async def challenge_of(client, email):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.call("AuthService/Login", login_request(email))
    assert reason_of(caught.value) == "SECOND_FACTOR_REQUIRED"
    return challenge_in(caught.value)


async def guess(client, challenge, code, device_token=""):
    request = pb.CompleteSignInRequest(challenge=challenge, code=code, device_token=device_token or None)
    return await client.outcome_of("AuthService/CompleteSignIn", request)


@pytest.mark.requirement(27, 30)
async def test_parallel_guesses_at_two_servers_never_evaluate_more_than_the_limit(throttled, client, ann, app, sql):
    challenges = [await challenge_of(client, ann.email) for _ in range(3)]
    bad = wrong(app.next_code())
    clients = [Client(server, f"192.0.{block}.1") for block in range(5) for server in throttled]
    assert await guess(client, challenges[0], bad) == "SECOND_FACTOR_INVALID"

    async with sql.transaction():
        await sql.fetch("SELECT FROM budgets ORDER BY subject FOR UPDATE")
        others = [asyncio.ensure_future(guess(each, challenge, bad)) for each in clients for challenge in challenges]
        await backends_that_wait(sql, 2 * STATEMENTS_AT_ONCE)
    outcomes = Counter(await asyncio.gather(*others))

    assert outcomes == {"SECOND_FACTOR_INVALID": LIMIT - 1, "THROTTLED": len(others) - LIMIT + 1}


@pytest.mark.requirement(27, 30)
async def test_the_right_code_is_not_evaluated_either_once_the_account_is_spent(client, ann, app, clock):
    challenge, code = await challenge_of(client, ann.email), app.next_code()
    assert {await guess(client, challenge, wrong(code)) for _ in range(LIMIT)} == {"SECOND_FACTOR_INVALID"}

    assert await guess(client, challenge, code) == "THROTTLED"
    assert await guess(client, await challenge_of(client, ann.email), code) == "THROTTLED"

    clock.advance(HOUR / LIMIT)
    assert await guess(client, await challenge_of(client, ann.email), app.next_code()) == "OK"


@pytest.mark.requirement(27)
async def test_the_right_code_gives_back_what_it_took(client, ann, app):
    for _ in range(LIMIT + 1):
        assert await guess(client, await challenge_of(client, ann.email), app.next_code()) == "OK"


@pytest.mark.requirement(28)
async def test_guesses_of_strangers_keep_no_known_device_out(client, people, ann, sql, settings, clock):
    known = await client.device_token(ann.email)
    app = await turned_on(sql, settings, clock, ann.id)
    challenge = await challenge_of(client, ann.email)
    while await guess(client, challenge, wrong(app.code())) != "THROTTLED":
        pass

    assert await guess(client, challenge, app.next_code(), known) == "OK"


@pytest.mark.requirement(29)
async def test_after_so_many_wrong_codes_in_a_row_no_stranger_tries_again(client, ann, app, clock):
    for _ in range(MOST_FAILURES):
        challenge = await challenge_of(client, ann.email)
        assert await guess(client, challenge, wrong(app.code())) == "SECOND_FACTOR_INVALID"
        clock.advance(HOUR)

    assert await guess(client, await challenge_of(client, ann.email), app.next_code()) == "THROTTLED"


@pytest.mark.requirement(29)
async def test_the_right_password_ends_a_row_of_wrong_ones_though_a_code_is_missing(client, ann, app, clock):
    for _ in range(MOST_FAILURES - 1):
        assert await client.login(ann.email, "a wrong password") == "CREDENTIALS_INVALID"
        clock.advance(HOUR)

    await challenge_of(client, ann.email)

    for _ in range(2):
        assert await client.login(ann.email, "a wrong password") == "CREDENTIALS_INVALID"


@pytest.mark.requirement(27)
async def test_challenges_that_nobody_gave_are_counted_by_address_block(client, ann, app):
    outcomes = [await guess(client, "ab" * 32, "000000") for _ in range(SMALL["second_factor.block"] + 1)]

    assert outcomes == ["CHALLENGE_INVALID"] * SMALL["second_factor.block"] + ["THROTTLED"]
