import json
from datetime import timedelta
from urllib.parse import unquote
from uuid import uuid4

import grpc
import pytest
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.domain.identities import Identity
from auth_server.domain.users import Role
from auth_server.interceptors.calls import Call
from auth_server.servicers.authorization import AuthorizationService
from auth_server.servicers.authorization_answers import allowed
from auth_server.servicers.ext_authz_contract import CheckRequest, CheckResponse, HeaderValueOption
from auth_server.storage.database import connected
from auth_server.usecases.identities import Identities
from gatepost.v1 import auth_service_pb2
from tests.header_values import VALUES
from tests.people import refused
from tests.services import a_service
from tests.session_cookies import COOKIES, TOKEN

RPC = "envoy.service.auth.v3.Authorization/Check"


@pytest.fixture
def check(channel, sql):
    """Asks as an Envoy that may, about a request with these headers."""
    call = channel.unary_unary(f"/{RPC}", CheckRequest.SerializeToString, CheckResponse.FromString)

    async def ask(headers=(), metadata=None):
        request = CheckRequest()
        request.attributes.request.http.headers.update(dict(headers))
        if metadata is None:
            metadata = (await a_service(sql, RPC)).basic
        return await call(request, metadata=metadata)

    return ask


def set_by(answer):
    """The headers that the answer sets, all of which must overwrite."""
    options = answer.ok_response.headers or answer.denied_response.headers
    assert {option.append_action for option in options} == {HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD}
    assert not any(option.HasField("append") for option in options)
    return {option.header.key: option.header.value for option in options}


async def test_an_access_token_is_let_through_with_its_identity(check, people, sql):
    ann = await people.signed_in()

    answer = await check(ann.bearer)

    assert answer.status.code == code_pb2.OK
    assert set_by(answer) == {
        "x-gatepost-user-id": ann.id,
        "x-gatepost-email": ann.email,
        "x-gatepost-name": "Person",
        "x-gatepost-role": "user",
        "x-gatepost-email-verified": "false",
        "x-gatepost-sign-in-id": str(await sql.fetchval("SELECT id FROM refresh_families")),
    }
    assert list(answer.ok_response.headers_to_remove) == []


async def test_a_session_cookie_is_let_through_without_a_sign_in(check, people):
    user = await people.a_user()
    session = await people.a_session(user.id)

    answer = await check({"cookie": f"a=b; __Secure-authjs.session-token={session.session_token}"})

    assert set_by(answer)["x-gatepost-user-id"] == user.id
    assert list(answer.ok_response.headers_to_remove) == ["x-gatepost-sign-in-id"]


async def test_forged_headers_are_overwritten_or_taken_away(check, people):
    ann = await people.signed_in()
    forged = ["x-gatepost-role", "x-gatepost-other", "x_gatepost_role", "x-gatepost_user-id", "x-gatepost-"]

    answer = await check(dict(ann.bearer) | dict.fromkeys(forged, "forged") | {"x-other": "kept"})

    assert set_by(answer)["x-gatepost-role"] == "user"
    assert set(answer.ok_response.headers_to_remove) == set(forged) - {"x-gatepost-role"}


async def test_what_the_user_lacks_is_taken_away(check, people, sql):
    user = await people.a_user()
    session = await people.a_session(user.id)
    await sql.execute("UPDATE users SET name = NULL, email = NULL WHERE id = $1", user.id)

    answer = await check({"cookie": f"authjs.session-token={session.session_token}"})

    lacking = {"x-gatepost-name", "x-gatepost-email", "x-gatepost-sign-in-id"}
    assert set(answer.ok_response.headers_to_remove) == lacking
    assert lacking & set_by(answer).keys() == set()


@pytest.mark.parametrize(("value", "text"), VALUES)
async def test_a_value_is_percent_encoded_where_a_header_cannot_carry_it(check, people, sql, value, text):
    user = await people.a_user()
    await sql.execute("UPDATE users SET name = $2 WHERE id = $1", user.id, value)
    session = await people.a_session(user.id)

    answer = await check({"cookie": f"authjs.session-token={session.session_token}"})

    assert set_by(answer).get("x-gatepost-name", "") == text
    assert unquote(text) == value


@pytest.mark.parametrize(("cookies", "token"), COOKIES, ids=lambda value: str(value)[:60])
async def test_the_session_token_comes_from_nextauths_cookies(check, people, sql, cookies, token):
    session = await people.a_session((await people.a_user()).id)
    await sql.execute("UPDATE sessions SET token_hash = sha256($1::bytea)", (token or TOKEN).encode())

    answer = await check({"cookie": "; ".join(cookies)})

    assert session.session_token
    assert answer.HasField("denied_response") == (token is None)


async def test_a_denial_is_the_problem_that_the_gateway_would_answer(check):
    answer = await check({"x-request-id": "request-7", "authorization": "Bearer garbage"})

    assert answer.status.code == code_pb2.UNAUTHENTICATED
    assert answer.denied_response.status.code == 401
    assert set_by(answer) == {
        "content-type": "application/problem+json",
        "www-authenticate": 'Bearer realm="gatepost"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-request-id": "request-7",
    }
    assert json.loads(answer.denied_response.body) == {
        "type": "urn:gatepost:error:ACCESS_TOKEN_INVALID",
        "title": "Access token invalid",
        "status": 401,
        "detail": "The access token is not accepted.",
        "instance": "urn:gatepost:request:request-7",
        "reason": "ACCESS_TOKEN_INVALID",
        "request_id": "request-7",
        "message": "The access token is not accepted.",
    }


async def test_a_denial_by_check_and_by_the_gateway_read_alike(check, rest):
    headers = {"authorization": "Bearer garbage", "x-request-id": "request-8"}

    by_gateway = await rest.call("GET", "/forward-auth", headers=headers)
    by_check = await check(headers)

    assert by_gateway.json == json.loads(by_check.denied_response.body)
    assert set_by(by_check).items() <= {name.lower(): value for name, value in by_gateway.headers.items()}.items()


async def reason_of_denial(check, headers):
    answer = await check(headers)
    assert not answer.HasField("ok_response")
    return json.loads(answer.denied_response.body)["reason"]


async def test_a_bad_token_is_denied_whatever_the_cookie(check, people):
    session = await people.a_session((await people.a_user()).id)
    cookie = {"cookie": f"authjs.session-token={session.session_token}"}

    for bearer in ("Bearer garbage", "Basic x,Bearer y"):
        assert await reason_of_denial(check, cookie | {"authorization": bearer}) == "ACCESS_TOKEN_INVALID"


async def test_an_expired_token_is_denied(check, people, clock):
    ann = await people.signed_in()
    clock.advance(timedelta(minutes=16))

    assert await reason_of_denial(check, ann.bearer) == "ACCESS_TOKEN_INVALID"


@pytest.mark.requirement(43)
async def test_a_token_whose_sign_in_has_ended_is_denied(check, people):
    ann = await people.signed_in()
    await people.auth.Logout(auth_service_pb2.LogoutRequest(), metadata=ann.refresh)

    assert await reason_of_denial(check, ann.bearer) == "ACCESS_TOKEN_INVALID"


async def test_an_unknown_session_is_denied(check):
    assert await reason_of_denial(check, {"cookie": f"authjs.session-token={TOKEN}"}) == "SESSION_INVALID"


async def test_a_request_without_anything_is_denied(check):
    assert await reason_of_denial(check, {}) == "CREDENTIAL_MISSING"


@pytest.mark.requirement(2, 3)
@pytest.mark.parametrize(
    ("allowed_rpcs", "reason"),
    [(None, "CREDENTIAL_MISSING"), (["gatepost.v1.UsersService/*"], "PERMISSION_DENIED")],
)
async def test_only_a_service_that_may_ask_is_answered(check, people, sql, allowed_rpcs, reason):
    ann = await people.signed_in()
    metadata = ann.bearer if allowed_rpcs is None else (await a_service(sql, *allowed_rpcs)).basic

    with refused(reason):
        await check(ann.bearer, metadata)


@pytest.mark.requirement(9)
async def test_a_fault_of_ours_is_an_error_and_no_answer(check, people, sql):
    ann = await people.signed_in()
    envoy = await a_service(sql, RPC)
    await sql.execute("ALTER TABLE refresh_families RENAME TO away")
    try:
        with refused("INTERNAL", grpc.StatusCode.INTERNAL):
            await check(ann.bearer, envoy.basic)
    finally:
        await sql.execute("ALTER TABLE away RENAME TO refresh_families")


async def test_a_database_that_is_away_is_an_error_and_no_denial(database_url, clock):
    async with connected(database_url, size=1) as database:
        service = AuthorizationService(Identities(database, None, clock))
    request = CheckRequest()
    request.attributes.request.http.headers["cookie"] = f"authjs.session-token={TOKEN}"

    with pytest.raises(DatabaseUnavailableError):
        await service.Check(request, Call({}))


def test_an_answer_sets_nothing_that_it_takes_away():
    identity = Identity(uuid4(), "a@example.org", None, Role.OPERATOR, True, None)

    answer = allowed(identity, ["x-gatepost-name", "x-gatepost-email", "authorization"])

    assert set_by(answer).keys() & set(answer.ok_response.headers_to_remove) == set()
    assert set_by(answer)["x-gatepost-role"] == "operator"


@pytest.mark.requirement(8)
async def test_envoys_service_has_health_and_is_told_by_reflection(channel):
    health = health_pb2_grpc.HealthStub(channel)
    reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
    ask = reflection_pb2.ServerReflectionRequest(file_containing_symbol=RPC.partition("/")[0])

    answer = await health.Check(health_pb2.HealthCheckRequest(service=ask.file_containing_symbol))
    [told] = [answer async for answer in reflection.ServerReflectionInfo(iter([ask]))]

    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    assert b"CheckRequest" in told.file_descriptor_response.file_descriptor_proto[0]
