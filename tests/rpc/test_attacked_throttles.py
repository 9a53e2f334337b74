"""Throttles that are attacked to keep others out: what one spends is one's own."""

import pytest

from gatepost.v1 import auth_emails_pb2 as emails_pb
from gatepost.v1 import auth_passwords_pb2 as passwords_pb
from gatepost.v1 import auth_service_pb2 as pb
from tests.people import PASSWORD
from tests.resets import NEW_PASSWORD
from tests.throttled import SMALL, Client

WRONG = "a wrong password"
RESET = "AuthService/ResetPassword"


@pytest.fixture
def client(throttled):
    return Client(throttled[0])


@pytest.fixture
def other(throttled):
    """The attacker, in another block, at another server."""
    return Client(throttled[1], "198.51.100.1")


async def spend(client, email, tokens):
    """Guesses by each of these devices, until nothing is left of what strangers and devices have."""
    for token in [*tokens, "", ""]:
        for _ in range(SMALL["login.account"]):
            await client.login(email, WRONG, token)


@pytest.mark.requirement(28, 55)
async def test_a_squatters_devices_keep_nobody_out_once_the_owner_has_reset_the_password(client, other, people, resets):
    email = await people.registered()
    tokens = [await other.device_token(email) for _ in range(3)]
    owners = (await resets.reset(await resets.token(email))).device_token

    await spend(other, email, tokens)

    assert await client.login(email, NEW_PASSWORD) == "THROTTLED"
    assert await client.login(email, NEW_PASSWORD, owners) == "OK"


@pytest.mark.requirement(23, 28)
async def test_the_devices_of_before_keep_nobody_out_once_the_password_has_changed(client, other, people):
    ann = await people.signed_in()
    tokens = [await other.device_token(ann.email) for _ in range(3)]
    change = passwords_pb.ChangePasswordRequest(current_password=PASSWORD, new_password=NEW_PASSWORD)
    owners = (await client.call("AuthService/ChangePassword", change, ann.bearer)).device_token

    await spend(other, ann.email, tokens)

    assert await client.login(ann.email, NEW_PASSWORD, owners) == "OK"


@pytest.mark.requirement(28)
async def test_a_device_of_the_password_before_goes_on_beside_the_others(client, people, resets):
    """Its user has changed the password elsewhere; it is still theirs, and strangers still do not spend its tries."""
    email = await people.registered()
    token = await client.device_token(email)
    await resets.reset(await resets.token(email))
    await spend(client, email, [])

    assert await client.login(email, NEW_PASSWORD) == "THROTTLED"
    assert await client.login(email, NEW_PASSWORD, token) == "OK"


@pytest.mark.requirement(28)
async def test_a_device_whose_tries_are_spent_has_those_of_strangers(client, other, people):
    """Who leaves the token out has them as well, so it helps nobody to guess."""
    email = await people.registered()
    stolen = [await other.device_token(email) for _ in range(2)]
    for token in stolen:
        for _ in range(2):
            assert await other.login(email, WRONG, token) == "CREDENTIALS_INVALID"

    assert await client.login(email, device_token=stolen[0]) == "OK"
    outcomes = [await other.login(email, WRONG, stolen[0]) for _ in range(SMALL["login.account"] + 1)]
    assert outcomes == ["CREDENTIALS_INVALID"] * SMALL["login.account"] + ["THROTTLED"]


@pytest.mark.requirement(27, 28)
async def test_a_good_link_is_taken_though_wrong_ones_have_spent_all(throttled, client, people, resets):
    email = await people.registered()
    token = await resets.token(email)
    wrong = emails_pb.VerifyEmailRequest(token="0" * 64)
    for number in range(SMALL["mailed_link.all"]):
        await Client(throttled[1], f"198.51.{number // 3}.1").outcome_of("AuthService/VerifyEmail", wrong)
    for _ in range(SMALL["mailed_link.block"] + 1):
        outcome = await client.outcome_of("AuthService/VerifyEmail", wrong)

    assert outcome == "THROTTLED"
    good = passwords_pb.ResetPasswordRequest(token=token, new_password=NEW_PASSWORD)
    assert await client.outcome_of(RESET, good) == "OK"
    assert await client.outcome_of(RESET, good) == "THROTTLED"  # used, and so as wrong as any other


@pytest.mark.requirement(22, 27)
async def test_a_good_link_makes_the_server_hash_so_often_and_no_more(client, people, resets):
    """A password made of the user's own address is refused after it was hashed, and the link stays good."""
    email = await people.registered(email="ann.of.example@example.org")
    request = passwords_pb.ResetPasswordRequest(token=await resets.token(email), new_password="ann.of.example")

    outcomes = [await client.outcome_of(RESET, request) for _ in range(SMALL["mailed_link.link"] + 1)]

    assert outcomes == ["PASSWORD_REFUSED"] * SMALL["mailed_link.link"] + ["THROTTLED"]


@pytest.mark.requirement(27, 28)
async def test_a_known_device_asks_for_a_link_whatever_others_have_asked_for(client, people):
    email = await people.registered()
    token = await client.device_token(email)
    asked = passwords_pb.ForgotPasswordRequest(email=email)
    for _ in range(SMALL["forgot_password.block"] + 1):
        outcome = await client.outcome_of("AuthService/ForgotPassword", asked)

    assert outcome == "THROTTLED"
    asked.device_token = token
    outcomes = [await client.outcome_of("AuthService/ForgotPassword", asked) for _ in range(3)]
    assert outcomes == ["OK"] * SMALL["forgot_password.device"] + ["THROTTLED"]


@pytest.mark.requirement(28)
async def test_id_tokens_that_are_none_spend_nothing_of_those_that_are(client, people):
    """Nobody guesses a signature; and a front end may pass on what a visitor sent, with whatever address."""
    user = await people.a_user()
    await people.an_account(user.id)

    async def outcome_of(id_token):
        request = pb.OAuthLoginRequest(email=user.email, provider="google", id_token=id_token)
        return await client.outcome_of("AuthService/OAuthLogin", request, people.secret)

    outcomes = [await outcome_of("none") for _ in range(SMALL["oauth_login.account"] + 1)]

    assert outcomes == ["ID_TOKEN_INVALID"] * SMALL["oauth_login.account"] + ["THROTTLED"]
    assert await outcome_of("another") == "ID_TOKEN_INVALID"  # it was looked at


@pytest.mark.requirement(27)
async def test_new_devices_log_in_when_guesses_from_everywhere_have_spent_all(throttled, people):
    """A block has few tries then, so that many blocks guess little; and the account's are counted all the same."""
    email, other_email = await people.registered(), await people.registered()
    for number in range(SMALL["login.all"]):
        attacker = Client(throttled[number % 2], f"198.51.{number}.1")
        assert await attacker.login(f"nobody{number}@example.org", WRONG) == "CREDENTIALS_INVALID"

    client, neighbour = Client(throttled[0]), Client(throttled[1], "192.0.2.99")
    assert await client.login(email) == "OK"
    outcomes = [await neighbour.login(email, WRONG) for _ in range(SMALL["login.spare"] + 1)]
    assert outcomes == ["CREDENTIALS_INVALID"] * SMALL["login.spare"] + ["THROTTLED"]
    assert await client.login(other_email) == "THROTTLED"
    elsewhere = [await Client(throttled[0], f"203.0.{number}.1").login(email, WRONG) for number in range(4)]
    assert elsewhere == ["CREDENTIALS_INVALID"] * (SMALL["login.account"] - SMALL["login.spare"]) + ["THROTTLED"]


@pytest.mark.requirement(27)
@pytest.mark.parametrize("rpc", ["Register", "ForgotPassword"])
async def test_who_comes_from_elsewhere_still_asks_when_all_is_spent(throttled, rpc):
    """Who has many blocks spends what is everybody's, and never what a block has left for that."""

    def a_request(number):
        email = f"ann{number}@example.org"
        if rpc == "Register":
            return pb.RegisterRequest(name="Ann", email=email, password=PASSWORD)
        return passwords_pb.ForgotPasswordRequest(email=email)

    name = {"Register": "register", "ForgotPassword": "forgot_password"}[rpc]
    for number in range(SMALL[f"{name}.all"]):
        attacker = Client(throttled[number % 2], f"198.51.{number}.1")
        assert await attacker.outcome_of(f"AuthService/{rpc}", a_request(number)) == "OK"

    numbers = range(100, 100 + SMALL[f"{name}.spare"] + 1)
    outcomes = [await Client(throttled[0]).outcome_of(f"AuthService/{rpc}", a_request(number)) for number in numbers]
    assert outcomes == ["OK"] * SMALL[f"{name}.spare"] + ["THROTTLED"]
    nowhere = Client(throttled[0], address="")
    assert await nowhere.outcome_of(f"AuthService/{rpc}", a_request(200)) == "THROTTLED"
