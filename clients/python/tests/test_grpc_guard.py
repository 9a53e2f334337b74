"""GrpcGuard in front of a grpc.aio server, by methods of all four forms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from signing import Pair

from gatepost_client import GatepostError, GrpcGuard, NotGuardedError, caller, require_role

SERVICE = "test.Echo"
SUB = "01890000-0000-7000-8000-000000000001"


async def unary(_, __):
    return caller().user_id.encode()


async def stream_out(_, __):
    yield caller().user_id.encode()
    yield b"end"


async def writing_out(_, context):
    await context.write(caller().user_id.encode())


async def stream_in(requests, __):
    return b",".join([caller().user_id.encode(), *[each async for each in requests]])


async def both(requests, context):
    await context.send_initial_metadata(())
    async for each in requests:
        yield caller().user_id.encode() + each


async def public(_, __):
    with pytest.raises(NotGuardedError):
        caller()
    return b"anyone"


async def for_operators(_, __):
    return require_role("operator").user_id.encode()


async def many_for_operators(_, __):
    yield require_role("operator").user_id.encode()


HANDLERS = {
    "Unary": grpc.unary_unary_rpc_method_handler(unary),
    "StreamOut": grpc.unary_stream_rpc_method_handler(stream_out),
    "WritingOut": grpc.unary_stream_rpc_method_handler(writing_out),
    "StreamIn": grpc.stream_unary_rpc_method_handler(stream_in),
    "Both": grpc.stream_stream_rpc_method_handler(both),
    "Public": grpc.unary_unary_rpc_method_handler(public),
    "Operators": grpc.unary_unary_rpc_method_handler(unary),
    "Reports": grpc.unary_unary_rpc_method_handler(for_operators),
    "ManyReports": grpc.unary_stream_rpc_method_handler(many_for_operators),
}


@pytest.fixture
async def channel(verifier) -> AsyncIterator[grpc.aio.Channel]:
    guard = GrpcGuard(verifier, public=["/test.Echo/Public"], roles={"/test.Echo/Operators": "operator"})
    server = grpc.aio.server(interceptors=[guard])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, HANDLERS),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as made:
        yield made
    await server.stop(None)


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


async def answers(channel: grpc.aio.Channel, method: str, metadata=()) -> list[bytes]:
    path = f"/{SERVICE}/{method}"
    match method:
        case "StreamOut" | "WritingOut" | "ManyReports":
            return [each async for each in channel.unary_stream(path)(b"x", metadata=metadata)]
        case "StreamIn":
            return [await channel.stream_unary(path)(iter([b"1", b"2"]), metadata=metadata)]
        case "Both":
            call = channel.stream_stream(path)(metadata=metadata)
            # One who is refused hears it before writing: grpc.aio gives a call that ends while it writes for INTERNAL.
            await call.initial_metadata()
            return [await answer_to(call, request) for request in (b"1", b"2")]
    return [await channel.unary_unary(path)(b"x", metadata=metadata)]


async def answer_to(call, request: bytes) -> bytes:
    if not call.done():
        await call.write(request)
    return await call.read()


EXPECTED = {
    "Unary": [SUB],
    "StreamOut": [SUB, "end"],
    "WritingOut": [SUB],
    "StreamIn": [f"{SUB},1,2"],
    "Both": [f"{SUB}1", f"{SUB}2"],
}


@pytest.mark.parametrize("method", EXPECTED)
async def test_a_method_of_any_form_knows_its_caller(method, gatepost, channel):
    given = await answers(channel, method, bearer(gatepost.pair.signed(sub=SUB)))

    assert given == [each.encode() for each in EXPECTED[method]]


async def refusal_of(channel: grpc.aio.Channel, method: str, metadata=()) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answers(channel, method, metadata)
    error = GatepostError.of(caught.value)
    return error.code(), error.reason


@pytest.mark.parametrize("method", EXPECTED)
async def test_a_method_of_any_form_is_guarded(method, gatepost, channel):
    unauthenticated = grpc.StatusCode.UNAUTHENTICATED
    token = gatepost.pair.signed()

    assert await refusal_of(channel, method) == (unauthenticated, "CREDENTIAL_MISSING")
    assert await refusal_of(channel, method, bearer(token) * 2) == (unauthenticated, "CREDENTIAL_MISSING")
    forged = bearer(Pair(gatepost.pair.kid).signed())
    assert await refusal_of(channel, method, forged) == (unauthenticated, "ACCESS_TOKEN_INVALID")


async def test_a_method_that_nobody_has_is_guarded_too(channel):
    assert (await refusal_of(channel, "Nothing"))[0] is grpc.StatusCode.UNAUTHENTICATED


async def test_only_what_is_said_to_be_public_is(channel):
    assert await answers(channel, "Public") == [b"anyone"]


async def test_a_role_may_be_asked_for(gatepost, channel):
    denied = (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")

    assert await refusal_of(channel, "Operators", bearer(gatepost.pair.signed())) == denied
    assert await answers(channel, "Operators", bearer(gatepost.pair.signed(sub=SUB, role="operator"))) == [SUB.encode()]


@pytest.mark.parametrize("method", ["Reports", "ManyReports"])
async def test_a_method_may_ask_for_a_role_itself(method, gatepost, channel):
    denied = (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")

    assert await refusal_of(channel, method, bearer(gatepost.pair.signed())) == denied
    assert await answers(channel, method, bearer(gatepost.pair.signed(sub=SUB, role="operator"))) == [SUB.encode()]


async def test_what_cannot_be_judged_is_unavailable(gatepost, verifier, channel):
    await gatepost.stop()
    async with asyncio.timeout(30):
        while verifier.in_sync:  # noqa: ASYNC110 (what it heard before may still wait to be read)
            await asyncio.sleep(0.01)
    verifier._stream._heard_at = float("-inf")

    given = await refusal_of(channel, "Unary", bearer(gatepost.pair.signed()))

    assert given == (grpc.StatusCode.UNAVAILABLE, "SERVER_UNAVAILABLE")
