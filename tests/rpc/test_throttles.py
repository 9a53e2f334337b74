"""Every throttled call takes from its budget, and what guesses nothing gives it back."""

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct

from auth_server.doors.rpcs import rpcs_of
from auth_server.interceptors.guards import ContractError
from auth_server.interceptors.throttles import Throttles
from gatepost.v1 import auth_emails_pb2 as emails_pb
from gatepost.v1 import auth_passwords_pb2 as passwords_pb
from gatepost.v1 import auth_service_pb2 as pb
from gatepost.v1 import options_pb2
from gatepost.v1 import passkey_service_pb2 as passkeys_pb
from gatepost.v1.adapter_service_pb2 import GetUserByIdRequest
from gatepost.v1.token_service_pb2 import IntrospectRequest
from tests.conftest import PREVIOUS_SECRET
from tests.people import PASSWORD, People, refused
from tests.rpc.calling import METHODS
from tests.rpc.test_guards import Nothing, a_contract
from tests.services import Known, a_service
from tests.throttled import SMALL, Client

# By hand: what takes from which budget. A method that is not here is not throttled.
THROTTLED = {
    "AuthService/Register": "REGISTER",
    "AuthService/Login": "LOGIN",
    "AuthService/OAuthLogin": "OAUTH_LOGIN",
    "AuthService/ForgotPassword": "FORGOT_PASSWORD",
    "AuthService/ResetPassword": "MAILED_LINK",
    "AuthService/VerifyEmail": "MAILED_LINK",
    "AuthService/ConfirmEmailChange": "MAILED_LINK",
    "AuthService/ChangePassword": "REAUTHENTICATION",
    "AuthService/ChangeEmail": "REAUTHENTICATION",
    "SecondFactorService/BeginTotp": "REAUTHENTICATION",
    "SecondFactorService/ConfirmTotp": "SECOND_FACTOR",
    "SecondFactorService/MakeRecoveryCodes": "SECOND_FACTOR",
    "SecondFactorService/RemoveSecondFactor": "REAUTHENTICATION",
    "AuthService/CompleteSignIn": "SECOND_FACTOR",
    "PasskeyService/BeginRegistration": "REAUTHENTICATION",
    "PasskeyService/DeletePasskey": "REAUTHENTICATION",
    "PasskeyService/BeginSignIn": "PASSKEY",
    "PasskeyService/FinishSignIn": "PASSKEY",
}
FORGOTTEN = passwords_pb.ForgotPasswordRequest(email="ann@example.org")
WRONG_RESET = passwords_pb.ResetPasswordRequest(token="0" * 64, new_password="staple of another horse")
WRONG_LINKS = [
    ("AuthService/ResetPassword", WRONG_RESET),
    ("AuthService/VerifyEmail", emails_pb.VerifyEmailRequest(token="0" * 64)),
    ("AuthService/ConfirmEmailChange", emails_pb.ConfirmEmailChangeRequest(token="0" * 64)),
]


@pytest.fixture
def client(throttled):
    return Client(throttled[0])


@pytest.fixture
def other_server(throttled):
    return Client(throttled[1])


@pytest.mark.requirement(27)
def test_the_contract_throttles_what_the_table_says():
    declared = {rpc: method.GetOptions().Extensions[options_pb2.throttle].budget for rpc, method in METHODS.items()}

    assert {rpc: options_pb2.Budget.Name(budget) for rpc, budget in declared.items() if budget} == {
        rpc: f"BUDGET_{name}" for rpc, name in THROTTLED.items()
    }


@pytest.mark.requirement(27)
async def test_registering_counts_though_it_succeeds(client, other_server):
    def a_request(number):
        return pb.RegisterRequest(name="Ann", email=f"ann{number}@example.org", password=PASSWORD)

    outcomes = [await client.outcome_of("AuthService/Register", a_request(number)) for number in range(4)]

    assert outcomes == ["OK"] * SMALL["register.block"] + ["THROTTLED"]
    assert await other_server.outcome_of("AuthService/Register", a_request(5)) == "THROTTLED"


@pytest.mark.requirement(27, 28)
async def test_asking_for_links_is_throttled_and_locks_nobody_out(client, people):
    email = await people.registered(email="ann@example.org")

    outcomes = [await client.outcome_of("AuthService/ForgotPassword", FORGOTTEN) for _ in range(4)]

    assert outcomes == ["OK"] * SMALL["forgot_password.block"] + ["THROTTLED"]
    elsewhere = Client(client.server, "198.51.100.1")
    assert await elsewhere.outcome_of("AuthService/ForgotPassword", FORGOTTEN) == "OK"
    assert await client.login(email) == "OK"


@pytest.mark.requirement(27)
async def test_all_mailed_links_share_a_budget_of_wrong_tokens(client, other_server):
    for rpc, request in WRONG_LINKS:
        assert await client.outcome_of(rpc, request) == "ONE_TIME_TOKEN_INVALID"

    for rpc, request in WRONG_LINKS:
        assert await other_server.outcome_of(rpc, request) == "THROTTLED"


@pytest.mark.requirement(27)
async def test_a_new_password_that_is_refused_is_no_guess(client):
    refused_one = passwords_pb.ResetPasswordRequest(token="0" * 64, new_password="password1")

    for _ in range(SMALL["mailed_link.block"] + 1):
        assert await client.outcome_of("AuthService/ResetPassword", refused_one) == "PASSWORD_REFUSED"


@pytest.mark.requirement(23, 27)
async def test_who_is_signed_in_guesses_the_password_as_seldom(client, other_server, people):
    ann, bob = await people.signed_in(), await people.signed_in()
    wrong = passwords_pb.ChangePasswordRequest(current_password="wrong", new_password="staple of another horse")
    wrong_too = emails_pb.ChangeEmailRequest(new_email="new@example.org", current_password="wrong")
    right = emails_pb.ChangeEmailRequest(new_email="new@example.org", current_password=PASSWORD)

    for _ in range(2):
        assert await client.outcome_of("AuthService/ChangePassword", wrong, ann.bearer) == "CURRENT_PASSWORD_INVALID"
    assert await client.outcome_of("AuthService/ChangeEmail", wrong_too, ann.bearer) == "CURRENT_PASSWORD_INVALID"

    assert await other_server.outcome_of("AuthService/ChangeEmail", right, ann.bearer) == "THROTTLED"
    assert await other_server.outcome_of("AuthService/ChangePassword", wrong, ann.bearer) == "THROTTLED"
    assert await client.outcome_of("AuthService/ChangeEmail", right, bob.bearer) == "OK"
    assert await client.login(ann.email) == "OK"


@pytest.mark.requirement(27)
async def test_a_strangers_account_at_a_provider_spends_nobody_elses_tries(client, people):
    user = await people.a_user()
    account = await people.an_account(user.id)

    def a_request(provider_account_id):
        return pb.OAuthLoginRequest(email=user.email, provider="google", provider_account_id=provider_account_id)

    async def outcome_of(request):
        return await client.outcome_of("AuthService/OAuthLogin", request, people.secret)

    outcomes = [await outcome_of(a_request("a stranger's")) for _ in range(4)]

    assert outcomes == ["OAUTH_LOGIN_REFUSED"] * SMALL["oauth_login.account"] + ["THROTTLED"]
    assert await outcome_of(a_request(account.provider_account_id)) == "OK"


@pytest.mark.requirement(27)
async def test_wrong_adapter_secrets_are_counted_and_the_right_one_is_let_in(throttled, people):
    client, other_server = (Client(server, "192.0.10.1") for server in throttled)
    request = GetUserByIdRequest(id="1")
    rpc, wrong = "AdapterService/GetUserById", [("x-auth-secret", "wrong")]

    outcomes = [await client.outcome_of(rpc, request, wrong) for _ in range(5)]

    assert outcomes == ["ADAPTER_SECRET_INVALID"] * SMALL["credential.block"] + ["THROTTLED"] * 2
    assert await other_server.outcome_of(rpc, request, wrong) == "THROTTLED"
    for right in (people.secret, [("x-auth-secret", PREVIOUS_SECRET)]):
        assert await client.outcome_of(rpc, request, right) == "OK"
    assert await Client(client.server, "192.0.11.1").outcome_of(rpc, request, wrong) == "ADAPTER_SECRET_INVALID"


@pytest.mark.requirement(2, 27)
async def test_wrong_service_credentials_are_counted_with_them(throttled, db):
    client = Client(throttled[0], "192.0.20.1")
    service = await a_service(db, "gatepost.v1.TokenService/*")
    rpc, request = "TokenService/Introspect", IntrospectRequest(token="1")
    wrong = Known(service.name, "0" * 64).basic

    outcomes = [await client.outcome_of(rpc, request, wrong) for _ in range(4)]

    assert outcomes == ["SERVICE_CREDENTIAL_INVALID"] * SMALL["credential.block"] + ["THROTTLED"]
    assert await client.outcome_of("AdapterService/GetUserById", GetUserByIdRequest(), [("x-auth-secret", "a")]) == (
        "THROTTLED"
    )
    assert await client.outcome_of(rpc, request, service.basic) == "OK"


@pytest.mark.requirement(27)
async def test_what_is_given_back_leaves_nothing_behind(client, people, sql):
    """Else who keeps the server busy fills the table for a month, an address a row."""
    ann = await people.signed_in()
    await sql.execute("DELETE FROM budgets")
    refused_one = passwords_pb.ChangePasswordRequest(current_password=PASSWORD, new_password="password1")
    refused_too = passwords_pb.ResetPasswordRequest(token="0" * 64, new_password="password1")

    assert await client.outcome_of("AuthService/ChangePassword", refused_one, ann.bearer) == "PASSWORD_REFUSED"
    assert await client.outcome_of("AuthService/ResetPassword", refused_too) == "PASSWORD_REFUSED"

    assert await sql.fetchval("SELECT count(*) FROM budgets") == 0


@pytest.mark.requirement(27, 29)
async def test_what_is_given_back_leaves_what_guesses_took(client, people, sql):
    ann = await people.signed_in()
    await sql.execute("DELETE FROM budgets")
    wrong = passwords_pb.ChangePasswordRequest(current_password="wrong", new_password="staple of another horse")
    refused_one = passwords_pb.ChangePasswordRequest(current_password=PASSWORD, new_password="password1")
    assert await client.outcome_of("AuthService/ChangePassword", wrong, ann.bearer) == "CURRENT_PASSWORD_INVALID"
    before = await sql.fetch("SELECT subject, whole_at, failures FROM budgets")

    assert await client.outcome_of("AuthService/ChangePassword", refused_one, ann.bearer) == "PASSWORD_REFUSED"

    assert [row["failures"] for row in before] == [1]
    assert await sql.fetch("SELECT subject, whole_at, failures FROM budgets") == before


async def test_a_right_secret_takes_from_no_budget(people, sql):
    await people.a_user()

    assert await sql.fetchval("SELECT count(*) FROM budgets") == 0


@pytest.mark.requirement(4, 27)
async def test_both_doors_take_from_one_budget(throttled):
    async with grpc.aio.insecure_channel(throttled[0].grpc_target) as channel:
        for _ in range(SMALL["forgot_password.block"]):
            await People(channel, "").auth.ForgotPassword(FORGOTTEN)
        with refused("THROTTLED", grpc.StatusCode.RESOURCE_EXHAUSTED):
            await People(channel, "").auth.ForgotPassword(FORGOTTEN)

    assert await Client(throttled[1], "127.0.0.9").outcome_of("AuthService/ForgotPassword", FORGOTTEN) == "THROTTLED"


@pytest.mark.parametrize(
    ("throttle", "complaint"),
    [
        (options_pb2.Throttle(every_call=True), "without a budget"),
        (options_pb2.Throttle(budget="BUDGET_LOGIN", account=["nothing"]), "no string field nothing"),
        (options_pb2.Throttle(budget="BUDGET_LOGIN", link="nothing"), "no string field nothing"),
        (options_pb2.Throttle(budget="BUDGET_LOGIN", device="id"), "one field of their account"),
        (options_pb2.Throttle(budget="BUDGET_LOGIN", caller=True), "by its caller"),
        (options_pb2.Throttle(budget="BUDGET_SECOND_FACTOR", challenge="nothing"), "no string field nothing"),
        (options_pb2.Throttle(budget="BUDGET_SECOND_FACTOR", challenge="id", account=["id"]), "alone says whose"),
    ],
    ids=str,
)
def test_a_throttle_that_cannot_be_kept_stops_the_start(throttle, complaint):
    contract = a_contract(guard=options_pb2.GUARD_PUBLIC, throttle=throttle)

    with pytest.raises(ContractError, match=complaint):
        rpcs_of([(contract, Nothing())], [Throttles(None)])


@pytest.mark.requirement(27)
def test_a_secret_that_anybody_may_guess_needs_a_throttle():
    contract = a_contract(guard=options_pb2.GUARD_PUBLIC, takes=".gatepost.v1.IntrospectRequest")

    with pytest.raises(ContractError, match="lets anybody guess token"):
        rpcs_of([(contract, Nothing())], [Throttles(None)])


@pytest.mark.requirement(27)
async def test_ceremonies_of_passkeys_that_are_begun_count_and_so_do_bad_answers(client, other_server):
    begin, finish = "PasskeyService/BeginSignIn", "PasskeyService/FinishSignIn"
    bad = passkeys_pb.FinishSignInRequest(ceremony_token="0" * 64, credential=Struct())

    outcomes = [await client.outcome_of(begin, passkeys_pb.BeginSignInRequest()) for _ in range(2)]
    outcomes += [await client.outcome_of(finish, bad) for _ in range(2)]

    assert outcomes == ["OK", "OK", "PASSKEY_INVALID", "THROTTLED"]
    assert await other_server.outcome_of(begin, passkeys_pb.BeginSignInRequest()) == "THROTTLED"
