"""The memory that unread answers may take, of all clients together."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
import uvloop
from aiohttp import web

from http_gateway.http_connections import Patience
from http_gateway.http_server import HttpServer

ANSWER_BYTES = 2_000_000
MOST_BYTES = 5 * ANSWER_BYTES
CLIENTS = 12
ASKED = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def serving():
    """A server of large answers, of which MOST_BYTES may wait; where it listens."""

    async def answer(_request):
        return web.Response(body=bytes(ANSWER_BYTES))

    patience = Patience(idle=60, head=60, reading=60)
    server = HttpServer(answer, patience=patience, most_connections=20, most_unread_bytes=MOST_BYTES)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    yield listener.sockets[0].getsockname()
    listener.close()
    await server.shutdown(0.1)


async def asking(place):
    """A client that has asked, and reads nothing yet."""
    wire = socket.socket()
    wire.setblocking(False)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await asyncio.get_running_loop().sock_connect(wire, place)
    wire.send(ASKED)
    await asyncio.sleep(0.02)
    return wire


async def read_all(wire):
    """How many bytes come before the client has all, or is cut off."""
    taken = 0
    try:
        while taken < ANSWER_BYTES and (piece := await asyncio.get_running_loop().sock_recv(wire, 1_000_000)):
            taken += len(piece)
    except ConnectionError:
        pass
    wire.close()
    return taken


@pytest.mark.requirement(5)
@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_those_who_read_nothing_for_the_longest_go_where_answers_take_too_much_memory(loop_factory):
    async def attack():
        async with serving() as place:
            hoard = [await asking(place) for _ in range(CLIENTS)]
            taken = await asyncio.gather(*map(read_all, hoard))
            late = await read_all(await asking(place))
        return [each >= ANSWER_BYTES for each in (*taken, late)]

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        whole = runner.run(asyncio.wait_for(attack(), 30))

    kept = MOST_BYTES // ANSWER_BYTES
    assert whole == [False] * (CLIENTS - kept) + [True] * (kept + 1)


async def test_who_reads_is_not_cut_off_whatever_came_before():
    async with serving() as place:
        for _ in range(CLIENTS):
            assert await read_all(await asking(place)) >= ANSWER_BYTES
