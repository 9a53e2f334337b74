"""Ways around how often a code of a second factor may be guessed, and to spend the tries of others."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gatepost.v1 import adapter_service_pb2 as adapter_pb
from gatepost.v1 import auth_service_pb2 as pb
from gatepost.v1 import second_factor_service_pb2 as factors_pb
from tests.challenges import challenge_of
from tests.people import PASSWORD
from tests.resets import NEW_PASSWORD
from tests.second_factors import turned_on, with_second_factor, wrong
from tests.services import a_service
from tests.throttled import MOST_FAILURES, SMALL, Client

HOUR = timedelta(hours=1)
RESET = "SecondFactorService/ResetSecondFactor"
COMPLETE = "AuthService/CompleteSignIn"


@pytest.fixture
def client(throttled):
    return Client(throttled[0])


@pytest.fixture
async def ann(people, sql):
    signed_in = await people.signed_in()
    await sql.execute("UPDATE users SET email_verified = now()")
    return signed_in


async def guess(client, challenge, code, device_token=""):
    request = pb.CompleteSignInRequest(challenge=challenge, code=code, device_token=device_token or None)
    return await client.outcome_of(COMPLETE, request)


async def guesses(client, challenge, code, device_token):
    """How many of them are evaluated before one is not."""
    count = 0
    while await guess(client, challenge, code, device_token) == "SECOND_FACTOR_INVALID":
        count += 1
    return count


@pytest.mark.requirement(27, 29, 30)
async def test_another_password_brings_no_more_guesses_at_a_code(client, people, ann, clock, resets, sql, settings):
    app = await turned_on(sql, settings, clock, ann.id)
    evaluated = 0
    for turn in range(4):
        password = f"{NEW_PASSWORD} {turn}"
        answer = await resets.reset(await resets.token(ann.email), password)
        challenge = await challenge_of(people, ann.email, password)
        evaluated += await guesses(client, challenge, wrong(app.code()), answer.device_token)

    assert evaluated == SMALL["second_factor.account"] + SMALL["second_factor.devices"]


@pytest.mark.requirement(29)
async def test_a_reset_gives_known_devices_their_tries_back(client, people, ann, clock, sql, settings):
    known = [await client.device_token(ann.email) for _ in range(2)]
    app = await turned_on(sql, settings, clock, ann.id)
    for turn in range(2 * MOST_FAILURES):
        challenge = await challenge_of(people, ann.email)
        assert await guess(client, challenge, wrong(app.code()), known[turn % 2]) == "SECOND_FACTOR_INVALID"
        clock.advance(HOUR)
    assert await guess(client, await challenge_of(people, ann.email), app.next_code(), known[0]) == "THROTTLED"

    service = await a_service(sql, "gatepost.v1.SecondFactorService/ResetSecondFactor")
    await client.call(RESET, factors_pb.ResetSecondFactorRequest(user_id=ann.id), service.basic)
    app = await turned_on(sql, settings, clock, ann.id)
    challenge = await challenge_of(people, ann.email)
    while await guess(client, challenge, wrong(app.code())) != "THROTTLED":
        pass

    assert await guess(client, challenge, app.next_code(), known[1]) == "OK"


@pytest.mark.requirement(28)
async def test_nobody_spends_the_tries_of_who_is_signed_in_or_vouched_for(client, throttled, people, ann, clock):
    app, _ = await with_second_factor(people, ann, clock)
    for address in ("192.0.2.99", "198.51.100.1", "203.0.113.1"):  # the first is in the client's own block
        stranger = Client(throttled[1], address)
        while await guess(stranger, "ab" * 32, "000000") != "THROTTLED":
            pass

    expires = Timestamp(seconds=int((datetime.now(UTC) + timedelta(days=1)).timestamp()))
    request = adapter_pb.CreateSessionRequest(
        session_token=secrets.token_hex(32), user_id=ann.id, expires=expires, code=app.next_code()
    )
    assert await client.outcome_of("AdapterService/CreateSession", request, people.secret) == "OK"
    more = factors_pb.MakeRecoveryCodesRequest(code=app.next_code())
    assert await client.outcome_of("SecondFactorService/MakeRecoveryCodes", more, ann.bearer) == "OK"
    removal = factors_pb.RemoveSecondFactorRequest(code=app.next_code(), current_password=PASSWORD)
    assert await client.outcome_of("SecondFactorService/RemoveSecondFactor", removal, ann.bearer) == "OK"


@pytest.mark.requirement(28)
async def test_a_void_challenge_spends_nothing_of_its_users(client, people, ann, clock, resets, sql, settings):
    app = await turned_on(sql, settings, clock, ann.id)
    challenge = await challenge_of(people, ann.email)
    await resets.reset(await resets.token(ann.email))

    for _ in range(SMALL["second_factor.account"]):
        assert await guess(client, challenge, wrong(app.code())) == "CHALLENGE_INVALID"

    assert await guess(client, await challenge_of(people, ann.email, NEW_PASSWORD), app.next_code()) == "OK"
