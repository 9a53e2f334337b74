"""What the gRPC port says of its bounds, and that they hold: metadata, streams, idling and age of a connection."""

import asyncio
import struct

import grpc
import pytest

from auth_server.app import running
from auth_server.doors import grpc_port
from gatepost.v1 import keys_service_pb2, keys_service_pb2_grpc
from tests.rpc import http2
from tests.rpc.http2 import Http2

KEYS = "/gatepost.v1.KeysService/GetJsonWebKeySet"
MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_SIZE = 3, 6  # RFC 9113, 6.5.2
FASTER = 2500
"""The clock of idling or age runs so many times as fast here."""


async def get_keys(channel, **metadata):
    stub = keys_service_pb2_grpc.KeysServiceStub(channel)
    return await stub.GetJsonWebKeySet(keys_service_pb2.GetJsonWebKeySetRequest(), metadata=list(metadata.items()))


@pytest.fixture
async def fast_port(settings, db, monkeypatch, request):
    """The port of a server that lets connections idle for 120 ms, or be 720 ms old, as the parameter says."""
    options = [(name, value // FASTER if name == request.param else value) for name, value in grpc_port.OPTIONS]
    monkeypatch.setattr(grpc_port, "OPTIONS", tuple(options))
    async with running(settings) as server:
        yield server.grpc_port


@pytest.mark.requirement(5)
async def test_a_connection_is_told_how_many_streams_and_how_much_metadata_it_may_send(server):
    connection = await Http2.connect(server.grpc_port)
    told = await asyncio.wait_for(connection.until(http2.SETTINGS), 30)
    connection.close()

    bounds = dict(struct.iter_unpack(">HI", told))
    assert bounds[MAX_CONCURRENT_STREAMS] == 1000
    assert bounds[MAX_HEADER_LIST_SIZE] == 8 * 1024


@pytest.mark.requirement(5)
async def test_metadata_beyond_eight_kilobytes_is_refused_and_the_server_lives(channel):
    assert (await get_keys(channel, **{"x-padding": "x" * 7000})).keys

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await get_keys(channel, **{"x-padding": "x" * 9000})

    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await get_keys(channel)).keys


@pytest.mark.requirement(5)
@pytest.mark.parametrize("fast_port", ["grpc.max_connection_idle_ms"], indirect=True)
async def test_a_connection_without_a_call_ends(fast_port):
    connection = await Http2.connect(fast_port)

    said = await asyncio.wait_for(connection.until(http2.GOAWAY), 30)

    assert said.endswith(b"idle")
    connection.close()


@pytest.mark.requirement(5)
@pytest.mark.parametrize("fast_port", ["grpc.max_connection_age_ms"], indirect=True)
async def test_a_connection_with_a_call_ends_by_its_age(fast_port):
    connection = await Http2.connect(fast_port)
    connection.writer.write(http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.request_headers(KEYS)))

    said = await asyncio.wait_for(connection.until(http2.GOAWAY), 30)

    assert said.endswith(b"max_age")
    connection.close()
