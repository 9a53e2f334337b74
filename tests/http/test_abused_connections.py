"""Clients that keep connections without doing much with them; others are served meanwhile."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
import uvloop
from aiohttp import web

from http_gateway.app import running
from http_gateway.http_connections import HEAD_LIMIT_BYTES, Patience
from http_gateway.http_server import HttpServer
from tests.http.plain_http import HEAD, a_setting, answer_of, connected

ALIVE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
HALF_A_BODY = HEAD + b"Content-Length: 9\r\n\r\n{"
DOCUMENT = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
MOST = 4


@asynccontextmanager
async def a_gateway(channel, **more):
    async with asyncio.timeout(30), running(a_setting(**more), channel) as gateway:
        yield gateway


async def assert_serves(gateway):
    reader, writer = await connected(gateway)
    writer.write(ALIVE)
    head, _ = await answer_of(reader)
    writer.transport.abort()
    assert head.split(" ")[1] == "200"


async def until_cut(reader):
    """What came until the connection ended."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


def is_cut(reader):
    return reader.at_eof() or reader.exception() is not None


async def an_unread_answer(gateway, times=8):
    """A client that asks for more than its socket's buffers hold, and does not read it."""
    wire = socket.socket()
    wire.setblocking(False)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await asyncio.get_running_loop().sock_connect(wire, ("127.0.0.1", gateway.port))
    for _ in range(times):
        wire.send(DOCUMENT)
    return wire


async def assert_is_cut(wire):
    """Reads nothing of what waits, and finds out all the same that the other side has ended."""
    while True:
        await asyncio.sleep(0.02)
        try:
            wire.send(b"\r\n")
        except ConnectionError:
            wire.close()
            return


@pytest.mark.requirement(5)
@pytest.mark.parametrize("begun", [b"", ALIVE])
async def test_a_head_that_comes_slowly_ends_the_connection(scripted_channel, begun):
    async with a_gateway(scripted_channel, head_timeout_seconds=0.2) as gateway:
        reader, writer = await connected(gateway)
        if begun:
            writer.write(begun)
            await answer_of(reader)
        dripping = asyncio.create_task(drip(writer))

        assert await until_cut(reader) == b""

        dripping.cancel()
        writer.close()
        await assert_serves(gateway)


async def drip(writer):
    """A header that goes on and on, a byte at a time."""
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: ")
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.02)


async def test_a_connection_between_two_requests_is_not_hurried(scripted_channel):
    async with a_gateway(scripted_channel, head_timeout_seconds=0.3) as gateway:
        reader, writer = await connected(gateway)
        for _ in range(2):
            writer.write(ALIVE)
            head, _ = await answer_of(reader)
            assert head.split(" ")[1] == "200"
            await asyncio.sleep(0.4)
        writer.close()


async def test_a_body_is_no_slow_head(scripted_channel, script):
    async with a_gateway(scripted_channel, head_timeout_seconds=0.3) as gateway:
        reader, writer = await connected(gateway)
        writer.write(HEAD + b"Content-Length: 20\r\n\r\n")
        for _ in range(20):
            await asyncio.sleep(0.02)
            writer.write(b" ")
        head, _ = await answer_of(reader)
        writer.close()

    assert head.split(" ")[1] == "400"  # of no JSON


@pytest.mark.requirement(5)
@pytest.mark.parametrize("ends", [True, False])
async def test_a_head_beyond_its_limit_is_refused_in_our_words(scripted_channel, script, ends):
    cookies = b"".join(b"Cookie: %d=%s\r\n" % (number, b"x" * 4000) for number in range(HEAD_LIMIT_BYTES // 4000 + 1))
    async with a_gateway(scripted_channel) as gateway:
        reader, writer = await connected(gateway)
        writer.write(HEAD + cookies + b"Content-Length: 0\r\n" + (b"\r\n" if ends else b""))

        head, problem = await answer_of(reader)

        assert (head.split(" ")[1], problem["reason"]) == ("431", "HTTP_INVALID")
        assert await until_cut(reader) == b""
        writer.close()
        await assert_serves(gateway)
    assert script.requests == []


@pytest.mark.requirement(5)
async def test_a_head_that_begins_behind_another_request_has_the_same_limit(scripted_channel):
    cookies = b"".join(b"Cookie: %d=%s\r\n" % (number, b"x" * 4000) for number in range(HEAD_LIMIT_BYTES // 4000 + 1))
    async with a_gateway(scripted_channel) as gateway:
        reader, writer = await connected(gateway)
        writer.write(ALIVE + ALIVE[:-2] + cookies[:-4000])
        await answer_of(reader)
        writer.write(cookies[-4000:] + b"\r\n")

        head, _ = await answer_of(reader)

        assert head.split(" ")[1] == "431"
        writer.close()


async def test_a_head_of_many_pieces_below_the_limit_is_taken(scripted_channel):
    cookies = b"".join(b"Cookie: %d=%s\r\n" % (number, b"x" * 4000) for number in range(HEAD_LIMIT_BYTES // 4000 - 1))
    async with a_gateway(scripted_channel) as gateway:
        reader, writer = await connected(gateway)
        for _ in range(2):  # the count begins anew with each head
            for at in range(0, len(cookies), 4000):
                writer.write((ALIVE[:-2] if at == 0 else b"") + cookies[at : at + 4000])
                await asyncio.sleep(0)
            writer.write(b"\r\n")
            head, _ = await answer_of(reader)
            assert head.split(" ")[1] == "200"
        writer.close()


@pytest.mark.requirement(5)
@pytest.mark.parametrize("last_words", [b"", b"GET /healthz HTTP/1.0\r\n\r\n"])
async def test_an_answer_that_nobody_reads_ends_the_connection(scripted_channel, last_words):
    async with a_gateway(scripted_channel, read_timeout_seconds=0.3, keep_alive_seconds=0.1) as gateway:
        wire = await an_unread_answer(gateway)
        wire.send(last_words)

        await assert_is_cut(wire)

        await assert_serves(gateway)


@pytest.mark.slow
async def test_an_answer_that_is_read_slowly_comes_whole(scripted_channel):
    async with a_gateway(scripted_channel, read_timeout_seconds=1) as gateway:
        wire = await an_unread_answer(gateway, times=2)
        taken = 0
        async with asyncio.timeout(30):
            while taken < 2 * 300_000:
                piece = await asyncio.get_running_loop().sock_recv(wire, 16_000)
                assert piece
                taken += len(piece)
                await asyncio.sleep(0.03)
        wire.close()


@pytest.mark.requirement(8)
async def test_clients_that_read_nothing_do_not_keep_the_gateway_from_ending(scripted_channel, script):
    async def never(_request, _context):
        await asyncio.sleep(60)

    script.answer = never
    async with a_gateway(scripted_channel, shutdown_seconds=0.3) as gateway:
        wires = [await an_unread_answer(gateway) for _ in range(3)]
        _, asking = await connected(gateway)
        asking.write(b"GET /adapter/1 HTTP/1.1\r\nHost: x\r\nx-auth-secret: s\r\n\r\n")
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - began < 10  # and not as long as the RPC or the clients take
    for wire in wires:
        await assert_is_cut(wire)
    asking.close()


@pytest.mark.requirement(5)
@pytest.mark.parametrize(
    "kept_by", [b"", b"GET /healthz HTTP/1.1\r\nHost: ", ALIVE, HEAD + b"Content-Length: 9\r\n\r\n{"]
)
async def test_who_keeps_all_connections_loses_the_oldest_to_others(scripted_channel, kept_by):
    async with a_gateway(scripted_channel, http_connections=MOST) as gateway:
        hoard = [await connected(gateway) for _ in range(MOST)]
        for _, writer in hoard:
            writer.write(kept_by)
            await asyncio.sleep(0.01)

        for _ in range(2):
            await assert_serves(gateway)

        assert await asyncio.wait_for(until_cut(hoard[0][0]), 30) is not None
        assert not is_cut(hoard[-1][0])
        for _, writer in hoard:
            writer.transport.abort()


@pytest.mark.requirement(5)
async def test_who_reads_no_answer_loses_its_connection_to_others(scripted_channel):
    async with a_gateway(scripted_channel, http_connections=2) as gateway:
        wires = [await an_unread_answer(gateway) for _ in range(2)]
        await asyncio.sleep(0.1)

        await assert_serves(gateway)

        await assert_is_cut(wires[0])
        wires[1].close()


@pytest.mark.parametrize("behind", [b"", HALF_A_BODY], ids=["alone", "half a body behind it"])
async def test_a_request_that_is_worked_on_is_not_cut_for_others(scripted_channel, script, behind):
    called, goes_on = asyncio.Event(), asyncio.Event()

    async def answer(_request, context):
        called.set()
        await goes_on.wait()
        await context.abort(5, "none")

    script.answer = answer
    async with a_gateway(scripted_channel, http_connections=1) as gateway:
        reader, writer = await connected(gateway)
        writer.write(b"GET /adapter/1 HTTP/1.1\r\nHost: x\r\nx-auth-secret: s\r\n\r\n" + behind)
        await called.wait()

        other, its_writer = await connected(gateway)
        assert await until_cut(other) == b""
        its_writer.close()

        goes_on.set()
        head, _ = await answer_of(reader)
        assert head.startswith("HTTP/1.1 ")
        writer.close()


@pytest.mark.requirement(5)
def test_the_event_loop_of_the_commands_cuts_off_as_well():
    patience = Patience(idle=60, head=0.2, reading=60)

    async def answer(_request):
        return web.Response(body=bytes(1_000_000))

    async def attack():
        server = HttpServer(answer, patience=patience, most_connections=2)
        listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
        here = listener.sockets[0].getsockname()
        with server.watching():
            slow, its_writer = await asyncio.open_connection(*here)
            its_writer.write(b"GET / H")
            assert await until_cut(slow) == b""

            hoard = []
            for _ in range(3):
                hoard.append(await asyncio.open_connection(*here))
                await asyncio.sleep(0.01)  # uvloop tells milliseconds apart, and no less
            assert await until_cut(hoard[0][0]) == b""

            reader, writer = await asyncio.open_connection(*here)
            writer.write(ALIVE)
            assert len(await reader.readexactly(1_000_000)) == 1_000_000
        for each in (its_writer, writer, *(its for _, its in hoard)):
            each.transport.abort()
        listener.close()
        await server.shutdown(1)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(attack(), 30))
