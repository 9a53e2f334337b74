"""GatepostClient: what goes with a call, what is tried again, and what errors say."""

import asyncio
import pkgutil
from datetime import timedelta
from importlib import import_module

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from scripted import refuse

from gatepost_client import AdapterSecret, GatepostClient, GatepostError, ServiceCredential, Tls, channels, contract
from gatepost_client.contract.keys_service_pb2 import GetJsonWebKeySetRequest, GetJsonWebKeySetResponse
from gatepost_client.contract.token_service_pb2 import RevokeRequest, WatchRevocationsRequest
from tests.certificates import Authority

KEYS = GetJsonWebKeySetRequest()


@pytest.fixture
async def client(gatepost):  # of the scripted server, not of the real one
    async with GatepostClient(gatepost.target, plaintext=True) as made:
        yield made


def test_every_service_of_the_contract_has_a_stub():
    modules = (
        import_module(f"{contract.__name__}.{module.name}")
        for module in pkgutil.iter_modules(contract.__path__)
        if not module.name.endswith("_grpc")
    )
    services = {service.name for module in modules for service in module.DESCRIPTOR.services_by_name.values()}

    async def stubs():
        client = GatepostClient("127.0.0.1:1", plaintext=True)
        names = [name for name in vars(GatepostClient) if not name.startswith("_") and name != "channel"]
        return {type(getattr(client, name)).__name__.removesuffix("Stub") for name in names}

    assert asyncio.run(stubs()) == services
    assert {service.name for service in channels.SERVICES} == services


async def test_an_error_says_what_gatepost_said(gatepost, client):
    async def refusing(_, context):
        bad, retry = BadRequest(), RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000))
        bad.field_violations.add(field="email", description="is no address")
        await refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", bad, retry)

    gatepost.get_keys = refusing

    with pytest.raises(GatepostError) as caught:
        await client.keys.GetJsonWebKeySet(KEYS)

    error = caught.value
    assert (error.reason, error.request_id, error.code()) == (
        "REQUEST_INVALID",
        "r-1",
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    assert [(each.field, each.description) for each in error.fields] == [("email", "is no address")]
    assert error.retry_after == timedelta(seconds=1.5)
    assert str(error) == "REQUEST_INVALID: refused: REQUEST_INVALID (request r-1)"
    assert isinstance(error, grpc.aio.AioRpcError)


@pytest.mark.parametrize("details", [b"", b"\xff\xff", b"\x08\x03"])
async def test_an_error_that_is_not_gatepost_s_has_no_reason(details, gatepost, client):
    async def refusing(_, context):
        await context.abort(grpc.StatusCode.INTERNAL, "?", (("grpc-status-details-bin", details),))

    gatepost.get_keys = refusing

    with pytest.raises(GatepostError) as caught:
        await client.keys.GetJsonWebKeySet(KEYS)

    assert (caught.value.reason, caught.value.fields, caught.value.retry_after) == ("", (), None)


async def test_an_error_in_a_stream_says_the_same(gatepost, client):
    gatepost.refuses_cursors = True

    with pytest.raises(GatepostError) as caught:
        async for _ in client.tokens.WatchRevocations(WatchRevocationsRequest(cursor="1")):
            pass

    assert caught.value.reason == "REVOCATION_CURSOR_INVALID"


async def test_a_server_that_cannot_be_reached_is_an_error_without_a_reason():
    async with GatepostClient("127.0.0.1:1", plaintext=True) as client:
        with pytest.raises(GatepostError) as caught:
            await client.keys.GetJsonWebKeySet(KEYS)

    assert (caught.value.code(), caught.value.reason) == (grpc.StatusCode.UNAVAILABLE, "")


async def test_a_read_that_nobody_judged_is_tried_again(gatepost, client):
    calls = []

    async def unavailable_twice(_, context):
        calls.append(1)
        if len(calls) < 3:
            await refuse(context, grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
        return GetJsonWebKeySetResponse()

    gatepost.get_keys = unavailable_twice

    await client.keys.GetJsonWebKeySet(KEYS)

    assert len(calls) == 3


async def test_what_changes_something_is_not_tried_again(gatepost, client):
    calls = []

    async def unavailable(_, context):
        calls.append(1)
        await refuse(context, grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")

    gatepost.revoke = unavailable

    with pytest.raises(GatepostError):
        await client.tokens.Revoke(RevokeRequest(token="x"))

    assert calls == [1]


def test_only_reads_are_tried_again():
    methods = {method for _, method in channels.reads()}

    assert {"GetUser", "ListUsers", "GetSessionAndUser", "Introspect", "VerifyAccessToken"} <= methods
    changing = (
        "Create",
        "Update",
        "Delete",
        "Link",
        "Unlink",
        "Use",
        "Login",
        "OAuth",
        "Refresh",
        "Revoke",
        "Register",
    )
    assert not [method for method in methods if method.startswith(changing)]
    assert not [method for method in methods if method.startswith("Watch")]


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (ServiceCredential.of("billing:s3cret:x"), ("authorization", "Basic YmlsbGluZzpzM2NyZXQ6eA==")),
        (AdapterSecret("adapter"), ("x-auth-secret", "adapter")),
    ],
)
async def test_the_credential_goes_with_every_call(credential, expected, gatepost):
    async with GatepostClient(gatepost.target, plaintext=True, credential=credential) as client:
        await client.keys.GetJsonWebKeySet(KEYS)
        assert expected in gatepost.metadata

        gatepost.metadata = ()
        stream = client.tokens.WatchRevocations(WatchRevocationsRequest())
        await anext(aiter(stream))
        stream.cancel()
        assert expected in gatepost.metadata


async def test_a_call_s_own_authorization_wins(gatepost):
    credential = ServiceCredential("billing", "secret")
    async with GatepostClient(gatepost.target, plaintext=True, credential=credential) as client:
        await client.keys.GetJsonWebKeySet(KEYS, metadata=[("authorization", "Bearer x"), ("x-request-id", "r")])

    given = [value for key, value in gatepost.metadata if key == "authorization"]
    assert given == ["Bearer x"]
    assert ("x-request-id", "r") in gatepost.metadata


async def test_a_call_has_a_deadline(gatepost):
    async with GatepostClient(gatepost.target, plaintext=True, deadline=timedelta(seconds=3)) as client:
        await client.keys.GetJsonWebKeySet(KEYS)
        assert 2 < gatepost.time_remaining < 3.5

        await client.keys.GetJsonWebKeySet(KEYS, timeout=1)
        assert gatepost.time_remaining < 1.5


async def test_a_secret_never_shows():
    shown = repr(
        [ServiceCredential("billing", "s3cret"), AdapterSecret("s3cret"), Tls(certificate=b"c", private_key=b"s3cret")]
    )

    assert "s3cret" not in shown


@pytest.mark.parametrize(
    "make",
    [
        lambda: GatepostClient("a:1", plaintext=True, tls=Tls()),
        lambda: Tls(certificate=b"c"),
        lambda: Tls(private_key=b"k"),
        lambda: ServiceCredential("a:b", "secret"),
        lambda: ServiceCredential("", "secret"),
        lambda: ServiceCredential("name", ""),
        lambda: ServiceCredential.of("name"),
    ],
)
def test_what_contradicts_itself_is_refused(make):
    with pytest.raises(ValueError, match=r"either|go together|is a name"):
        make()


@pytest.mark.requirement(1)
async def test_plaintext_is_only_spoken_when_asked_for(gatepost):
    async with GatepostClient(gatepost.target) as client:
        with pytest.raises(GatepostError) as caught:
            await client.keys.GetJsonWebKeySet(KEYS, timeout=2)

    assert caught.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    assert gatepost.key_calls == 0


async def test_a_unix_socket_needs_no_tls(gatepost, tmp_path):
    target = f"unix:{tmp_path}/gatepost.sock"
    await gatepost.listen_at(target)

    async with GatepostClient(target) as client:
        await client.keys.GetJsonWebKeySet(KEYS)

    assert gatepost.key_calls == 1


async def test_a_client_may_be_entered_again(gatepost):
    client = GatepostClient(gatepost.target, plaintext=True)
    for _ in range(2):
        async with client:
            await client.keys.GetJsonWebKeySet(KEYS)

    assert gatepost.key_calls == 2


@pytest.mark.requirement(2)
async def test_a_client_proves_itself_by_certificate(gatepost):
    authority, another = Authority(), Authority()
    target = await gatepost.listen_with_tls(authority)
    ours, theirs = authority.issue("localhost"), another.issue("localhost")

    async with GatepostClient(target, tls=Tls(authority.pem, ours.chain, ours.key)) as client:
        await client.keys.GetJsonWebKeySet(KEYS)
    assert gatepost.key_calls == 1

    for refused in (
        Tls(authority.pem),
        Tls(authority.pem, theirs.chain, theirs.key),
        Tls(another.pem, ours.chain, ours.key),
    ):
        async with GatepostClient(target, tls=refused) as client:
            with pytest.raises(GatepostError):
                await client.keys.GetJsonWebKeySet(KEYS, timeout=2)
    assert gatepost.key_calls == 1
