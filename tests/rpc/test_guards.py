import hmac
import logging
from contextlib import nullcontext

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import Message

from auth_server.app import running
from auth_server.doors.rpcs import rpcs_of
from auth_server.interceptors.guards import ContractError, Guards
from gatepost.v1 import (
    adapter_service_pb2,
    options_pb2,
    users_service_pb2,
)
from tests.conftest import ADAPTER_SECRET, PREVIOUS_SECRET
from tests.people import refused


@pytest.mark.requirement(46, 56)
@pytest.mark.parametrize("secret", [ADAPTER_SECRET, PREVIOUS_SECRET])
async def test_only_a_whole_adapter_secret_opens(people, secret):
    request = adapter_service_pb2.GetUserByIdRequest(id="1")

    for changed in (secret[:-1], secret + "x", secret.upper(), secret[1:], f"{ADAPTER_SECRET},{PREVIOUS_SECRET}"):
        with refused("ADAPTER_SECRET_INVALID"):
            await people.adapter.GetUserById(request, metadata=[("x-auth-secret", changed)])
    assert not (await people.adapter.GetUserById(request, metadata=[("x-auth-secret", secret)])).HasField("user")


@pytest.mark.requirement(46, 56)
@pytest.mark.parametrize("given", ["wrong", ADAPTER_SECRET, PREVIOUS_SECRET])
async def test_a_secret_is_compared_with_each_adapter_secret_in_constant_time(server, monkeypatch, given):
    compared = []

    def compare(given, expected):
        compared.append((given, expected))
        return hmac_compare(given, expected)

    hmac_compare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", compare)
    call = server.channel.unary_unary("/gatepost.v1.AdapterService/GetUserById")

    with refused("ADAPTER_SECRET_INVALID") if given == "wrong" else nullcontext():
        await call(adapter_service_pb2.GetUserByIdRequest(id="1"), metadata=[("x-auth-secret", given)])

    assert compared == [(given.encode(), secret.encode()) for secret in (ADAPTER_SECRET, PREVIOUS_SECRET)]


@pytest.mark.requirement(56)
async def test_the_log_says_who_still_presents_the_previous_adapter_secret(people, caplog):
    request = adapter_service_pb2.GetUserByIdRequest(id="1")

    with caplog.at_level(logging.INFO, logger="auth_server.interceptors.request_log"):
        await people.adapter.GetUserById(request, metadata=[("x-auth-secret", PREVIOUS_SECRET)])
        await people.adapter.GetUserById(request, metadata=people.secret)

    assert [getattr(line, "adapter", None) for line in caplog.records] == ["by the previous secret", None]
    assert PREVIOUS_SECRET not in caplog.text


@pytest.mark.requirement(56)
async def test_the_previous_adapter_secret_opens_nothing_once_it_is_taken_out(settings, db):
    alone = settings.model_copy(update={"adapter_secret_previous": None})
    request = adapter_service_pb2.GetUserByIdRequest(id="1")

    async with running(alone) as server:
        call = server.channel.unary_unary("/gatepost.v1.AdapterService/GetUserById")
        await call(request, metadata=[("x-auth-secret", ADAPTER_SECRET)])

        with refused("ADAPTER_SECRET_INVALID"):
            await call(request, metadata=[("x-auth-secret", PREVIOUS_SECRET)])


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
    guards = Guards(["s" * 40], access=None, identities=None, services=None, wrong_credentials=None)

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
