"""A passkey is asked for no code, so who has a second factor adds none without one."""

import pytest

from gatepost.v1 import passkey_service_pb2 as pb
from gatepost.v1.second_factor_service_pb2 import MakeRecoveryCodesRequest
from tests.passkeys import SoftAuthenticator
from tests.people import PASSWORD, refused
from tests.rpc.passkeys import by_passkey, creation_options, keep, verified
from tests.second_factors import with_second_factor, wrong
from tests.throttled import SMALL, Client


@pytest.fixture
async def ann(people, sql):
    return await verified(people, sql)


@pytest.mark.requirement(31)
async def test_the_password_alone_adds_no_passkey(people, ann, clock, sql):
    app, codes = await with_second_factor(people, ann, clock)

    refusals = {
        None: "SECOND_FACTOR_REQUIRED",
        "": "SECOND_FACTOR_REQUIRED",
        wrong(app.code()): "SECOND_FACTOR_INVALID",
    }
    for code, reason in refusals.items():
        with refused(reason):
            await creation_options(people, ann, code=code)
    assert await sql.fetchval("SELECT count(*) FROM passkey_challenges") == 0

    for code in (app.next_code(), codes[0]):
        authenticator = SoftAuthenticator()
        await keep(people, ann, authenticator.create(await creation_options(people, ann, code=code)))
        assert (await by_passkey(people, authenticator)).id == ann.id
        with refused("SECOND_FACTOR_INVALID"):
            await creation_options(people, ann, code=code)


async def test_of_who_has_none_the_code_is_not_looked_at(people, ann):
    assert await creation_options(people, ann, code="000000")


@pytest.mark.requirement(27, 30)
async def test_codes_for_passkeys_are_guessed_in_small_number(throttled, people, ann, clock):
    app, _ = await with_second_factor(people, ann, clock)
    client, bad = Client(throttled[0]), pb.BeginRegistrationRequest(current_password=PASSWORD, code=wrong(app.code()))

    guesses = [
        await client.outcome_of("PasskeyService/BeginRegistration", bad, ann.bearer)
        for _ in range(SMALL["second_factor.account"])
    ]

    assert guesses == ["SECOND_FACTOR_INVALID"] * len(guesses)
    right = MakeRecoveryCodesRequest(code=app.next_code())
    assert await client.outcome_of("SecondFactorService/MakeRecoveryCodes", right, ann.bearer) == "THROTTLED"
