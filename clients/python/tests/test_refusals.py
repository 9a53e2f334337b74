"""What a refusal of a real Gatepost tells a program, so that it can go on."""

from __future__ import annotations

import pytest

from gatepost_client import GatepostClient, GatepostError
from gatepost_client.contract import auth_service_pb2 as pb
from tests.people import PASSWORD
from tests.second_factors import turned_on


@pytest.fixture
async def client(server):
    """A client without a credential."""
    async with GatepostClient(server.grpc_target, plaintext=True) as made:
        yield made


@pytest.mark.requirement(31)
async def test_a_sign_in_goes_on_from_the_challenge_of_its_refusal(people, client, sql, settings, clock):
    ann = await people.signed_in()
    app = await turned_on(sql, settings, clock, ann.id)

    with pytest.raises(GatepostError) as caught:
        await client.auth.Login(pb.LoginRequest(email=ann.email, password=PASSWORD))
    request = pb.CompleteSignInRequest(challenge=caught.value.challenge, code=app.next_code())
    answer = await client.auth.CompleteSignIn(request)

    assert caught.value.reason == "SECOND_FACTOR_REQUIRED"
    assert caught.value.challenge not in str(caught.value) + repr(caught.value)
    assert answer.user.id == ann.id


async def test_a_refused_password_names_the_rule_and_no_challenge(client):
    with pytest.raises(GatepostError) as caught:
        await client.auth.Register(pb.RegisterRequest(name="Ann", email="ann@example.org", password="password1"))

    assert (caught.value.reason, caught.value.rule, caught.value.challenge) == ("PASSWORD_REFUSED", "common", "")
