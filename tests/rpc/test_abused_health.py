"""Watchers of the gRPC port's health who read nothing; others are told all the same, and the server ends in time."""

import asyncio
import struct

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from auth_server.app import running
from auth_server.doors import grpc_port
from tests.rpc import http2
from tests.rpc.http2 import Http2

WATCH = "/grpc.health.v1.Health/Watch"
INITIAL_WINDOW_SIZE = 4
NO_WINDOW = http2.frame(http2.SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, 0))
ASKED = health_pb2.HealthCheckRequest()
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
DRAIN_SECONDS = 0.5


@pytest.mark.requirement(5, 8)
async def test_who_watches_health_and_does_not_read_keeps_nobody_from_it(settings, db, monkeypatch):
    monkeypatch.setattr(grpc_port, "DRAIN_SECONDS", DRAIN_SECONDS)
    async with running(settings) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        attacker = await Http2.connect(server.grpc_port)
        watch = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.request_headers(WATCH))
        attacker.writer.write(NO_WINDOW + watch + http2.frame(http2.DATA, 1, 1, bytes(5)))
        await asyncio.sleep(0.2)

        health = health_pb2_grpc.HealthStub(channel)
        other = health.Watch(ASKED)
        async with asyncio.timeout(30):
            assert (await other.read()).status == SERVING
            await server.drain()
            assert (await other.read()).status == NOT_SERVING
            assert (await health.Check(ASKED)).status == NOT_SERVING
        other.cancel()
        began = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - began < 9  # and not the ten that it had
    attacker.close()
