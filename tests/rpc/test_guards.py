import hmac
import re
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from auth_server.doors.rpcs import rpcs_of
from auth_server.interceptors.guards import ContractError, Guards
from auth_server.storage import services
from gatepost.v1 import (
    adapter_service_pb2,
    auth_service_pb2,
    identity_service_pb2,
    images_service_pb2,
    keys_service_pb2,
    mail_service_pb2,
    options_pb2,
    session_service_pb2,
    token_service_pb2,
    users_service_pb2,
)
from tests.contract.doors import DOORS
from tests.images import FORM_TYPE, a_form
from tests.people import reason_of, refused
from tests.rpc.matrix import ADMITTED, CALLERS, OTHER
from tests.services import a_service

FILES = (
    adapter_service_pb2,
    auth_service_pb2,
    identity_service_pb2,
    images_service_pb2,
    keys_service_pb2,
    mail_service_pb2,
    session_service_pb2,
    token_service_pb2,
    users_service_pb2,
)
METHODS = {
    f"{service.name}/{method.name}": method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
ANSWERED_ONCE = [rpc for rpc, method in METHODS.items() if not method.server_streaming]
GUARD_REASONS = {
    "CREDENTIAL_MISSING",
    "ADAPTER_SECRET_INVALID",
    "ACCESS_TOKEN_INVALID",
    "REFRESH_TOKEN_INVALID",
    "SERVICE_CREDENTIAL_INVALID",
    "SESSION_INVALID",
    "PERMISSION_DENIED",
}


@pytest.mark.requirement(3)
def test_the_table_of_callers_names_every_rpc():
    assert ADMITTED.keys() == METHODS.keys()


ALL_RPCS = [f"gatepost.v1.{rpc}" for rpc in METHODS]
ALL_SERVICES = sorted({f"{rpc.partition('/')[0]}/*" for rpc in ALL_RPCS})


async def metadata_of(caller, people, sql, clock):
    """What this caller presents, and the id of the user whom the request is to name."""
    clock.ahead = timedelta()
    if "service" in caller:
        service = await a_service(sql, *(ALL_SERVICES if caller == "service by wildcard" else ALL_RPCS))
        if caller == "revoked service":
            await services.revoke(sql, service.name, datetime.now(UTC))
        return service.basic, (await people.a_user()).id
    signed_in = await people.signed_in()
    if caller == "operator":
        await sql.execute("UPDATE users SET role = 'operator' WHERE id = $1", signed_in.id)
    if caller == "logged out":
        await people.auth.Logout(auth_service_pb2.LogoutRequest(), metadata=signed_in.refresh)
    if caller == "expired":
        clock.advance(timedelta(minutes=16))
    named = (await people.a_user()).id if caller in (OTHER, "operator") else signed_in.id
    if caller == "session":
        return [("x-session-token", (await people.a_session(named)).session_token)], named
    presented = {
        "nobody": [],
        "wrong secret": [("x-auth-secret", "x" * 40)],
        "adapter": people.secret,
        "refresh": signed_in.refresh,
        "garbage": [("authorization", "Bearer garbage"), ("x-auth-secret", "~")],
    }
    return presented.get(caller, signed_in.bearer), named


def call_of(channel, method):
    """What calls the method over the channel."""
    kind = "stream" if method.client_streaming else "unary", "stream" if method.server_streaming else "unary"
    return getattr(channel, "_".join(kind))(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=GetMessageClass(method.input_type).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )


async def stream_of(*requests):
    """A stream of these requests."""
    for request in requests:
        yield request


async def outcome(channel, rpc, metadata, named):
    """The reason of the guard's refusal, or "" where the call got past it."""
    method = METHODS[rpc]
    request = GetMessageClass(method.input_type)()
    field = method.GetOptions().Extensions[options_pb2.owner].field
    if field:
        setattr(request, field, named)
    call = call_of(channel, method)
    try:
        answer = call(stream_of(request) if method.client_streaming else request, metadata=metadata, timeout=5)
        if method.server_streaming:
            await anext(aiter(answer), None)
            answer.cancel()
        else:
            await answer
    except grpc.aio.AioRpcError as error:
        reason = reason_of(error)
        return reason if reason in GUARD_REASONS else ""
    return ""


async def outcome_by_rest(rest, door, metadata, named):
    """The same, of a call through one of the RPC's routes."""
    field = METHODS[door.rpc].GetOptions().Extensions[options_pb2.owner].field
    path = re.sub(r"\{.*?\}", "x", door.path.replace(f"{{{field}}}", named) if field else door.path)
    body = None if door.verb in ("GET", "DELETE") else {}
    if field and body is not None and f"{{{field}}}" not in door.path:
        body = {field: named}
    headers = dict(metadata)
    if "x-session-token" in headers:  # a browser brings it in a cookie
        headers["cookie"] = f"next-auth.session-token={headers.pop('x-session-token')}"
    sent = {"body": body}
    if METHODS[door.rpc].client_streaming:
        headers["content-type"], sent = FORM_TYPE, {"raw": a_form(b"no image")}
    answer = await rest.call(door.verb, path, headers=headers, **sent)
    if answer.status < 400:
        return ""
    return answer.reason if answer.reason in GUARD_REASONS else ""


@pytest.mark.requirement(3)
@pytest.mark.parametrize("door", ["port", "in process"])
@pytest.mark.parametrize("caller", CALLERS)
async def test_a_caller_gets_past_the_guards_that_the_table_says(
    caller, door, people, channel, server, sql, clock, subtests
):
    presented = None
    for rpc in METHODS:
        with subtests.test(rpc):
            presented = presented or await metadata_of(caller, people, sql, clock)

            reason = await outcome(channel if door == "port" else server.channel, rpc, *presented)

            presented = presented if reason else None  # a call that got past may have used it up
            assert (reason == "") == (caller in ADMITTED[rpc]), reason


@pytest.mark.requirement(4)
@pytest.mark.parametrize("caller", CALLERS)
async def test_rest_admits_the_same_callers(caller, rest, sql, clock, subtests):
    presented = None
    for door in DOORS:
        with subtests.test(door.path, verb=door.verb):
            presented = presented or await metadata_of(caller, rest.people, sql, clock)

            reason = await outcome_by_rest(rest, door, *presented)

            presented = presented if reason else None  # a call that got past may have used it up
            assert (reason == "") == (caller in ADMITTED[door.rpc]), reason


@pytest.mark.requirement(46)
@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "x", lambda s: s.upper(), lambda s: s[1:]])
async def test_only_the_whole_adapter_secret_opens(people, change):
    [(name, secret)] = people.secret

    with refused("ADAPTER_SECRET_INVALID"):
        await people.adapter.GetUserById(
            adapter_service_pb2.GetUserByIdRequest(id="1"), metadata=[(name, change(secret))]
        )


@pytest.mark.requirement(46)
async def test_the_adapter_secret_is_compared_in_constant_time(people, server, monkeypatch):
    compared = []

    def compare(given, expected):
        compared.append((given, expected))
        return hmac_compare(given, expected)

    hmac_compare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", compare)
    call = server.channel.unary_unary("/gatepost.v1.AdapterService/GetUserById")

    with refused("ADAPTER_SECRET_INVALID"):
        await call(adapter_service_pb2.GetUserByIdRequest(id="1"), metadata=[("x-auth-secret", "wrong")])

    [(_, secret)] = people.secret
    assert compared == [(b"wrong", secret.encode())]


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
async def test_a_scheme_is_compared_without_case(people, scheme):
    ann = await people.signed_in()
    request = users_service_pb2.GetUserRequest(id=ann.id)

    answer = await people.users.GetUser(request, metadata=[("authorization", f"{scheme} {ann.access_token}")])

    assert answer.user.id == ann.id


class Nothing:
    """A servicer with every method, none of which matters."""

    def __getattr__(self, name):
        return lambda request, call: None


def a_contract(*, takes=".gatepost.v1.GetUserRequest", **options):
    """A service of one method with these options, in a pool of its own name."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"test_{abs(hash(takes + str(options)))}.proto",
        package=f"test{abs(hash(takes + str(options)))}",
        syntax="proto3",
        dependency=["gatepost/v1/options.proto", "gatepost/v1/token_service.proto", "gatepost/v1/users_service.proto"],
    )
    service = file.service.add(name="TestService")
    method = service.method.add(name="Do", input_type=takes, output_type=".gatepost.v1.GetUserResponse")
    for name, value in options.items():
        extension = getattr(options_pb2, name)
        if isinstance(value, Message):
            method.options.Extensions[extension].CopyFrom(value)
        else:
            method.options.Extensions[extension] = value
    pool = descriptor_pool.Default()
    pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName(f"{file.package}.TestService")


@pytest.mark.requirement(3)
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "GUARD_UNSPECIFIED"),
        ({"guard": options_pb2.GUARD_ACCESS}, "whose things"),
        ({"guard": options_pb2.GUARD_ACCESS, "owner": options_pb2.Owner(field="nothing")}, "whose things"),
        ({"guard": options_pb2.GUARD_ADAPTER, "owner": options_pb2.Owner(field="id")}, "GUARD_ACCESS alone"),
        ({"guard": options_pb2.GUARD_PUBLIC, "owner": options_pb2.Owner(caller=True)}, "no other owner"),
        ({"guard": options_pb2.GUARD_ACCESS, "owner": options_pb2.Owner(caller=True, field="id")}, "no other owner"),
    ],
    ids=str,
)
def test_a_method_whose_guard_nobody_judges_stops_the_start(options, complaint):
    guards = Guards("s" * 40, access=None, identities=None, services=None, wrong_credentials=None)

    with pytest.raises(ContractError, match=complaint):
        rpcs_of([(a_contract(**options), Nothing())], [guards])


@pytest.mark.requirement(3)
def test_a_method_without_a_handler_stops_the_start():
    with pytest.raises(ContractError, match="no handler"):
        rpcs_of([(a_contract(guard=options_pb2.GUARD_PUBLIC), object())], [])


@pytest.mark.requirement(4)
@pytest.mark.parametrize("order", [1, -1])
async def test_a_credential_that_is_given_twice_is_none(people, order):
    [(name, secret)] = people.secret
    metadata = [(name, "wrong"), (name, secret)][::order]

    with refused("CREDENTIAL_MISSING"):
        await people.adapter.GetUserById(adapter_service_pb2.GetUserByIdRequest(id="1"), metadata=metadata)
