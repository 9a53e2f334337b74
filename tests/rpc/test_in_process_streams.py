"""Streams through the door without a socket: as grpc.aio would answer them."""

import asyncio

import grpc
import pytest

from auth_server.domain.errors import CredentialMissingError
from auth_server.doors.in_process import InProcessChannel
from auth_server.doors.rpcs import rpcs_of
from auth_server.interceptors.errors import errors
from tests.people import reason_of
from tests.rpc.test_streams import WATCH, Servicer, Told
from tests.waiting import until

PATH = "/gatepost.v1.TokenService/WatchRevocations"


def messages_of(told, **more):
    channel = InProcessChannel(rpcs_of([(WATCH, Servicer(told))], [errors]), lambda _: None)
    return channel.unary_stream(PATH)(None, **more)


async def test_all_messages_come_and_then_the_end():
    assert [each async for each in messages_of(Told([1, 2, 3]))] == [1, 2, 3]


async def test_a_refusal_on_the_way_is_an_error_of_grpc():
    messages = aiter(messages_of(Told([1, CredentialMissingError()])))
    assert await anext(messages) == 1

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await anext(messages)

    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(refusal.value) == "CREDENTIAL_MISSING"


@pytest.mark.requirement(7)
async def test_the_callers_deadline_ends_a_stream():
    told = Told(range(1000))

    class Slow(Told):
        def stream(self, pause=10):
            return told.stream(pause)

    async with asyncio.timeout(30):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await anext(aiter(messages_of(Slow(), timeout=0.05)))

    assert refusal.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert reason_of(refusal.value) == "DEADLINE_EXCEEDED"
    assert told.closed


async def test_a_stream_that_is_cancelled_closes_what_it_has_open():
    told = Told(range(1000))
    messages = messages_of(told)
    assert await anext(aiter(messages)) == 0

    messages.cancel()
    messages.cancel()

    async def closed():
        return told.closed

    async with asyncio.timeout(30):
        await until(closed)
    assert [each async for each in messages] == []


async def test_an_rpc_that_streams_nothing_is_no_stream(server):
    with pytest.raises(KeyError):
        server.channel.unary_stream("/gatepost.v1.UsersService/GetUser")
