"""Which connections make way where there are too many, and which never do."""

import asyncio
import socket

import pytest
from aiohttp import web

from http_gateway.http_connections import Patience
from http_gateway.http_server import HttpServer
from tests.http.plain_http import HEAD, answer_of, connected
from tests.http.test_abused_connections import ALIVE, HALF_A_BODY, a_gateway, assert_serves

NO_WEBSOCKET = b"GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


async def a_hoard(gateway, number, begun):
    """So many connections, which all have begun alike."""
    hoard = []
    for _ in range(number):
        hoard.append(await connected(gateway))
        hoard[-1][1].write(begun)
        await asyncio.sleep(0.02)
    return hoard


def leave(hoard):
    for _, writer in hoard:
        writer.transport.abort()


@pytest.mark.requirement(5)
@pytest.mark.parametrize("begun", [b"", ALIVE])
async def test_whose_request_is_on_its_way_does_not_make_way_for_a_hoard_of_another_kind(scripted_channel, begun):
    async with a_gateway(scripted_channel, http_connections=5) as gateway:
        hoard = await a_hoard(gateway, 3, HALF_A_BODY)
        reader, writer = await connected(gateway)
        if begun:
            writer.write(begun)
            await answer_of(reader)
        hoard += await a_hoard(gateway, 4, HALF_A_BODY)

        writer.write(ALIVE)
        head, _ = await answer_of(reader)

        assert head.split(" ")[1] == "200"
        leave([*hoard, (reader, writer)])


@pytest.mark.requirement(5)
async def test_a_half_body_behind_a_refused_upgrade_makes_way_as_well(scripted_channel):
    async with a_gateway(scripted_channel, http_connections=2) as gateway:
        hoard = await a_hoard(gateway, 2, NO_WEBSOCKET + HALF_A_BODY)

        await assert_serves(gateway)

        leave(hoard)


async def test_a_body_behind_a_refused_upgrade_is_no_slow_head(scripted_channel, script):
    async with a_gateway(scripted_channel, head_timeout_seconds=0.3) as gateway:
        reader, writer = await connected(gateway)
        writer.write(NO_WEBSOCKET + HEAD + b"Content-Length: 20\r\n\r\n")
        await answer_of(reader)
        for _ in range(20):
            await asyncio.sleep(0.02)
            writer.write(b" ")
        head, _ = await answer_of(reader)
        writer.close()

    assert head.split(" ")[1] == "400"  # of no JSON


@pytest.mark.requirement(5)
async def test_the_unread_end_of_a_last_answer_makes_way():
    async def answer(_request):
        return web.Response(body=bytes(ANSWER_BYTES))

    patience = Patience(idle=60, head=60, reading=60)
    server = HttpServer(answer, patience=patience, most_connections=1)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    here = listener.sockets[0].getsockname()
    wire = socket.socket()
    wire.setblocking(False)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await asyncio.get_running_loop().sock_connect(wire, here)
    wire.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await asyncio.sleep(0.1)

    reader, writer = await asyncio.open_connection(*here)
    writer.write(ALIVE)
    assert (await asyncio.wait_for(reader.read(12), 30)) == b"HTTP/1.1 200"

    writer.transport.abort()
    wire.close()
    listener.close()
    await server.shutdown(0.1)


ANSWER_BYTES = 145_000
"""More than the sockets take in, and by less than what pauses an answer."""
