import asyncio
import logging

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2

from auth_server.domain import errors as refusals
from auth_server.doors.in_process import InProcessChannel
from auth_server.doors.rpcs import rpcs_of
from auth_server.interceptors.calls import Call, Method
from auth_server.interceptors.deadlines import deadlines
from auth_server.interceptors.errors import errors
from auth_server.interceptors.request_log import request_log
from gatepost.v1 import adapter_service_pb2, auth_service_pb2, errors_pb2, keys_service_pb2, users_service_pb2
from http_gateway.problems import OWN_STATUS
from tests.people import PASSWORD, detail_of, reason_of, refused
from tests.rpc.calling import call_of, stream_of

NOBODY = "01890000-0000-7000-8000-000000000000"
SECRETS = "postgresql://u:p@host/db SELECT hash FROM users /srv/auth_server/app.py"
SERVICES = [
    service
    for file in (adapter_service_pb2, auth_service_pb2, keys_service_pb2, users_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
]
PATHS = [f"/{service.full_name}/{method.name}" for service in SERVICES for method in service.methods]
REASONS = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name}


def every_refusal(of=refusals.AuthError):
    for child in of.__subclasses__():
        yield child
        yield from every_refusal(child)


class Failing:
    """A servicer whose every method fails in this way."""

    def __init__(self, error):
        self._error = error

    def __getattr__(self, name):
        async def fail(request, call):
            raise self._error

        return fail


async def failure(path, error):
    """What a caller sees when the handler fails in this way."""
    rpcs = rpcs_of([(service, Failing(error)) for service in SERVICES], [request_log, errors, deadlines(5, 5)])
    method = rpcs[path].method
    request = method.request()
    call = call_of(InProcessChannel(rpcs, lambda _: None), method.descriptor)
    answer = call(stream_of(request) if method.takes_stream else request, metadata=[("x-request-id", "request-1")])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (anext(aiter(answer)) if method.streams else answer)
    return caught.value


@pytest.mark.requirement(9)
@pytest.mark.parametrize("path", PATHS)
async def test_a_fault_in_any_handler_tells_nothing(path, caplog):
    with caplog.at_level(logging.CRITICAL):
        error = await failure(path, RuntimeError(SECRETS))

    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert detail_of(error, error_details_pb2.ErrorInfo()).metadata["request_id"] == "request-1"
    assert not any(word in f"{error.details()}{error.trailing_metadata()}" for word in SECRETS.split())


@pytest.mark.requirement(9)
@pytest.mark.parametrize("refusal", list(every_refusal()), ids=lambda refusal: refusal.__name__)
async def test_every_refusal_has_a_published_reason_and_its_text(refusal):
    error = await failure(PATHS[0], refusal())

    assert refusal.reason in REASONS
    assert (reason_of(error), error.details()) == (refusal.reason, refusal.__doc__)


@pytest.mark.requirement(9)
def test_every_published_reason_is_in_use():
    raised = {refusal.reason for refusal in every_refusal()} | {"INTERNAL", "RPC_NOT_FOUND", "UNSPECIFIED"}
    assert REASONS - raised - set(OWN_STATUS) == set()


@pytest.mark.requirement(9)
async def test_a_fault_is_logged_once_with_its_request_id(caplog):
    await failure(PATHS[0], RuntimeError("broken"))

    faults = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [(record.request_id, str(record.exc_info[1])) for record in faults] == [("request-1", "broken")]


async def test_a_call_is_logged_by_one_line_without_its_message(caplog, people):
    caplog.set_level(logging.INFO, "auth_server")
    ann = await people.signed_in()
    caplog.clear()

    await people.users.GetUser(
        users_service_pb2.GetUserRequest(id=ann.id), metadata=[*ann.bearer, ("x-request-id", "r-1")]
    )

    [line] = [record for record in caplog.records if record.name.startswith("auth_server")]
    assert (line.rpc, line.code, line.request_id, line.user_id) == (
        "gatepost.v1.UsersService/GetUser",
        "OK",
        "r-1",
        ann.id,
    )
    assert line.ms > 0
    assert ann.email not in str(line.__dict__)


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "{}"])
async def test_a_request_id_of_another_form_is_replaced(people, caplog, given):
    caplog.set_level(logging.INFO, "auth_server")

    await people.keys.GetJsonWebKeySet(keys_service_pb2.GetJsonWebKeySetRequest(), metadata=[("x-request-id", given)])

    assert caplog.records[-1].request_id not in ("", given)


@pytest.mark.requirement(9)
@pytest.mark.parametrize("path", ["/gatepost.v1.AdapterService/Nothing", "/other.Service/Do"])
async def test_an_unknown_rpc_is_refused_in_our_own_words(server, channel, path):
    for door in (channel, server.channel):
        call = door.unary_unary(path, request_serializer=None, response_deserializer=None)
        with refused("RPC_NOT_FOUND", grpc.StatusCode.UNIMPLEMENTED):
            await call(b"" if door is channel else adapter_service_pb2.GetUserByIdRequest())


async def test_a_call_ends_at_its_deadline():
    class Slow:
        def __getattr__(self, name):
            async def wait(request, call):
                await asyncio.sleep(60)

            return wait

    rpcs = rpcs_of([(service, Slow()) for service in SERVICES], [request_log, errors, deadlines(0.05, 0.05)])
    call = InProcessChannel(rpcs, lambda _: None).unary_unary(PATHS[0])

    for timeout in (None, 0.01, 60):
        with refused("DEADLINE_EXCEEDED", grpc.StatusCode.DEADLINE_EXCEEDED):
            await call(None, timeout=timeout)


async def test_who_ends_a_call_at_its_deadline_is_told_that_it_was_ended():
    async def wait(request, call):
        try:
            await asyncio.sleep(60)
        finally:
            task.cancel()

    method = Method.of(SERVICES[0].methods[0])
    task = asyncio.ensure_future(deadlines(0.01, 0.01)(method, wait)(None, Call({})))

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_of_our_own_is_no_deadline(caplog):
    with caplog.at_level(logging.CRITICAL):
        error = await failure(PATHS[0], TimeoutError("of a socket"))

    assert reason_of(error) == "INTERNAL"


async def test_a_cancelled_statement_ends_in_the_database(shared_database, sql):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await shared_database.fetchrow("SELECT pg_sleep(60)")

    running = await sql.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
    )
    assert running == 0


@pytest.mark.requirement(11)
async def test_a_message_that_is_too_large_is_refused_and_the_server_lives(people):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await people.adapter.GetUserByEmail(
            adapter_service_pb2.GetUserByEmailRequest(email="x" * 70_000), metadata=people.secret
        )

    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await people.a_user()


@pytest.mark.requirement(9, 11)
@pytest.mark.parametrize("sent", [b"\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe", b"\x08", b"\x0b" * 2000])
async def test_bytes_that_are_no_message_are_refused_in_our_own_words(people, channel, caplog, sent):
    call = channel.unary_unary("/gatepost.v1.AdapterService/GetUserByEmail")

    with refused("REQUEST_INVALID", grpc.StatusCode.INVALID_ARGUMENT):
        await call(sent, metadata=people.secret)

    assert not [record for record in caplog.records if record.levelname == "ERROR"]


REQUESTS = {
    "AdapterService/CreateUser": {"user": {"name": "x"}},
    "AdapterService/GetUserById": {"id": NOBODY},
    "AdapterService/GetUserByEmail": {"email": "a@example.org"},
    "AdapterService/GetUserByAccount": {"provider": "p", "provider_account_id": "1"},
    "AdapterService/UpdateUser": {"user": {"id": NOBODY, "name": "x"}},
    "AdapterService/DeleteUser": {"id": NOBODY},
    "AdapterService/LinkAccount": {
        "account": {"user_id": NOBODY, "type": "oauth", "provider": "p", "provider_account_id": "1"}
    },
    "AdapterService/UnlinkAccount": {"provider": "p", "provider_account_id": "1"},
    "AdapterService/GetAccount": {"provider": "p", "provider_account_id": "1"},
    "AdapterService/CreateAuthenticator": {
        "authenticator": {
            "credential_id": "aWQ=",
            "user_id": NOBODY,
            "provider_account_id": "aWQ=",
            "credential_public_key": "a2V5",
            "credential_device_type": "singleDevice",
        }
    },
    "AdapterService/GetAuthenticator": {"credential_id": "aWQ="},
    "AdapterService/ListAuthenticators": {"user_id": NOBODY},
    "AdapterService/UpdateAuthenticatorCounter": {"credential_id": "aWQ=", "counter": 1},
    "AdapterService/CreateSession": {"session_token": "t", "user_id": NOBODY, "expires": "2030-01-01T00:00:00Z"},
    "AdapterService/GetSessionAndUser": {"session_token": "t"},
    "AdapterService/UpdateSession": {"session_token": "t"},
    "AdapterService/DeleteSession": {"session_token": "t"},
    "AdapterService/CreateVerificationToken": {
        "verification_token": {"identifier": "i", "token": "t", "expires": "2030-01-01T00:00:00Z"}
    },
    "AdapterService/UseVerificationToken": {"identifier": "i", "token": "t"},
    "AuthService/Register": {"name": "Ann", "email": "ann@example.org", "password": "long enough"},
    "AuthService/Login": {"email": "ann@example.org", "password": "long enough"},
    "AuthService/OAuthLogin": {"email": "ann@example.org"},
    "AuthService/RefreshTokens": {},
    "AuthService/Logout": {},
    "AuthService/RequestEmailVerification": {"user_id": NOBODY, "email": "ann@example.org"},
    "AuthService/VerifyEmail": {"token": "0" * 64},
    "AuthService/ChangeEmail": {"new_email": "new@example.org", "current_password": PASSWORD},
    "AuthService/ConfirmEmailChange": {"token": "0" * 64},
    "AuthService/ChangePassword": {"current_password": PASSWORD, "new_password": "long enough"},
    "UsersService/GetUser": {"id": NOBODY},
    "UsersService/ListUsers": {},
    "UsersService/UpdateUser": {"id": NOBODY, "user": {"name": "x"}},
    "UsersService/DeleteUser": {"id": NOBODY},
}
BY_REFRESH_TOKEN = ("AuthService/RefreshTokens", "AuthService/Logout")
TABLES = (
    "users",
    "accounts",
    "authenticators",
    "sessions",
    "verification_tokens",
    "refresh_families",
    "refresh_tokens",
)


@pytest.mark.requirement(9)
@pytest.mark.parametrize("rpc", REQUESTS)
async def test_a_fault_of_the_database_under_any_rpc_tells_nothing(rpc, people, server, sql, caplog):
    ann = await people.signed_in()
    presented = ann.refresh if rpc in BY_REFRESH_TOKEN else ann.bearer
    service, _, method = rpc.partition("/")
    descriptor = next(each for each in SERVICES if each.name == service).methods_by_name[method]
    request = json_format.ParseDict(REQUESTS[rpc], GetMessageClass(descriptor.input_type)())
    gone = []
    try:
        for table in TABLES:
            await sql.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
            gone.append(table)
        with caplog.at_level("CRITICAL"), refused("INTERNAL", grpc.StatusCode.INTERNAL) as caught:
            await server.channel.unary_unary(f"/gatepost.v1.{rpc}")(request, metadata=[*people.secret, *presented])
    finally:
        for table in gone:
            await sql.execute(f"ALTER TABLE {table}_gone RENAME TO {table}")

    assert "relation" not in f"{caught.value.details()}{caught.value.trailing_metadata()}"
