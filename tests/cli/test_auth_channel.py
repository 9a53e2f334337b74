"""The channel of a gateway to an auth server elsewhere, which comes and goes."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiohttp
import pytest

from auth_server.app import running
from auth_server.settings import AuthServerSettings
from gatepost_cli.auth_channel import dialled
from http_gateway.app import running as running_gateway
from http_gateway.settings import GatewaySettings


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def becomes(status: int, session: aiohttp.ClientSession, url: str, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            while True:
                async with session.get(url) as answer:
                    if answer.status == status:
                        return True
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False


@pytest.mark.timeout(40)
async def test_a_gateway_is_back_two_seconds_after_its_auth_server(settings: AuthServerSettings, db: object) -> None:
    fixed = settings.model_copy(update={"grpc_port": free_port()})
    async with dialled(f"127.0.0.1:{fixed.grpc_port}") as channel, aiohttp.ClientSession() as session:
        reached: Any = channel
        async with running_gateway(GatewaySettings(http_port=0), reached) as gateway:
            url = f"{gateway.http_url}/readyz"
            async with running(fixed):
                assert await becomes(200, session, url, 5)
            assert await becomes(503, session, url, 5)
            # As long as gRPC's own measure would take to come to attempts four seconds apart.
            await asyncio.sleep(5)

            async with running(fixed):
                assert await becomes(200, session, url, 2)


async def test_calls_are_shared_among_the_addresses(settings: AuthServerSettings, db: object) -> None:
    async with running(settings) as one, running(settings) as two:
        target = f"ipv4:{one.grpc_target},{two.grpc_target}"
        async with dialled(target) as channel:
            await channel.channel_ready()
            check: Any = channel.unary_unary("/grpc.health.v1.Health/Check", response_deserializer=bytes)
            assert await check(b"", timeout=5) == b"\x08\x01"
            await one.drain()

            answers: set[bytes] = set()
            async with asyncio.timeout(5):
                while len(answers) < 2:
                    answers.add(await check(b"", timeout=5))

    assert answers == {b"\x08\x01", b"\x08\x02"}
