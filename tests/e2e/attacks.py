"""Attackers of a running Gatepost, as a process of their own: `python -m tests.e2e.attacks NAME SECONDS`.

Standard input has the victim, a JSON object of Victim's fields; standard output gets how often it did what it does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.images import FORM_TYPE, a_form
from tests.rpc import http2

FEW, MANY = 50, 1200
DRIP_SECONDS = 0.2
KEYS = "/gatepost.v1.KeysService/GetJsonWebKeySet"
EXPORT = "/gatepost.v1.UsersService/ExportUser"
HEAD = b"Host: x\r\nContent-Type: application/json\r\n"


@dataclass(frozen=True, slots=True)
class Victim:
    """Whom to attack."""

    http_port: int
    grpc_port: int
    authority: str
    """What signed the certificate of the gRPC port, in PEM."""
    tokens: list[tuple[str, str]]
    """Users who are signed in, and their access tokens."""


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Once = Callable[[Victim, int], Awaitable[None]]


async def connected(victim: Victim, receives_bytes: int | None = None) -> Connection:
    """A connection to the HTTP port, which takes in so little."""
    wire = socket.socket()
    wire.setblocking(False)
    if receives_bytes:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives_bytes)
    await asyncio.get_running_loop().sock_connect(wire, ("127.0.0.1", victim.http_port))
    return await asyncio.open_connection(sock=wire)


async def drip(connection: Connection, begin: bytes) -> None:
    """Sends a byte now and then, until it is cut off."""
    reader, writer = connection
    writer.write(begin)
    try:
        while not reader.at_eof():
            await asyncio.sleep(DRIP_SECONDS)
            writer.write(b"x")
            await writer.drain()
    finally:
        writer.transport.abort()


async def nothing(_victim: Victim, _: int) -> None:
    """To compare with."""
    await asyncio.sleep(3600)


async def slow_heads(victim: Victim, _: int) -> None:
    await drip(await connected(victim), b"GET /healthz HTTP/1.1\r\nHost: ")


async def slow_bodies(victim: Victim, _: int) -> None:
    await drip(await connected(victim), b"POST /auth/login HTTP/1.1\r\n" + HEAD + b"Content-Length: 60000\r\n\r\n{")


async def silence(victim: Victim, _: int) -> None:
    reader, writer = await connected(victim)
    await reader.read()
    writer.close()


async def unread_answers(victim: Victim, _number: int) -> None:
    _, writer = await connected(victim, 4096)
    writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 32)
    while True:
        await asyncio.sleep(DRIP_SECONDS)
        writer.write(b"\r\n")
        await writer.drain()


async def connecting(victim: Victim, _number: int) -> None:
    _, writer = await connected(victim)
    writer.transport.abort()


async def large_heads(victim: Victim, _: int) -> None:
    reader, writer = await connected(victim)
    cookies = b"".join(b"Cookie: %d=%s\r\n" % (number, b"x" * 3900) for number in range(8))
    writer.write(b"GET /nowhere HTTP/1.1\r\n" + HEAD + cookies + b"\r\n")
    await reader.read(1)
    writer.transport.abort()


async def wrong_secrets(victim: Victim, number: int) -> None:
    reader, writer = await connected(victim)
    writer.write(b"GET /adapter/1 HTTP/1.1\r\nx-auth-secret: %d\r\n" % number + HEAD + b"\r\n")
    await reader.read(1)
    writer.transport.abort()


async def slow_uploads(victim: Victim, number: int) -> None:
    user_id, token = victim.tokens[number % len(victim.tokens)]
    head = f"PUT /auth/upload-image/{user_id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    form = f"Content-Type: {FORM_TYPE}\r\nContent-Length: 1000000\r\n\r\n".encode() + a_form(b"")[:-60]
    await drip(await connected(victim), head.encode() + form)


async def unread_streams(victim: Victim, number: int) -> None:
    user_id, token = victim.tokens[number % len(victim.tokens)]
    _, writer = await connected(victim, 4096)
    head = f"GET /auth/{user_id}/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode() * 32)
    await asyncio.sleep(5)
    writer.transport.abort()


async def by_tls(victim: Victim) -> http2.Http2:
    """A connection to the gRPC port."""
    trusting = ssl.create_default_context(cadata=victim.authority)
    trusting.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", victim.grpc_port, ssl=trusting, server_hostname="localhost"
    )
    writer.write(http2.PREFACE)
    return http2.Http2(reader, writer)


async def resets(victim: Victim, _: int) -> None:
    """10,000 calls that are reset at once, in a second at the least."""
    over = asyncio.create_task(asyncio.sleep(1))
    connection = await by_tls(victim)
    head = http2.request_headers(KEYS)
    for stream in range(1, 20_001, 2):
        connection.writer.write(http2.frame(http2.HEADERS, http2.END_HEADERS, stream, head) + http2.reset(stream))
        if stream % 100 == 1:
            await connection.writer.drain()
    await over
    connection.close()


async def handshakes(victim: Victim, _: int) -> None:
    connection = await by_tls(victim)
    connection.close()


async def half_handshakes(victim: Victim, _: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", victim.grpc_port)
    writer.write(b"\x16\x03\x01")
    await reader.read()
    writer.transport.abort()


ATTACKS: dict[str, tuple[Once, int]] = {
    "nothing": (nothing, 1),
    "slow heads": (slow_heads, MANY),
    "slow bodies": (slow_bodies, MANY),
    "silence": (silence, MANY),
    "unread answers": (unread_answers, MANY),
    "connecting": (connecting, FEW),
    "large heads": (large_heads, FEW),
    "wrong secrets": (wrong_secrets, FEW),
    "slow uploads": (slow_uploads, FEW),
    "unread streams": (unread_streams, FEW),
    "resets by TLS": (resets, 1),
    "handshakes": (handshakes, 10),
    "half handshakes": (half_handshakes, 500),
}


async def attack(name: str, seconds: float, victim: Victim) -> int:
    """Attacks so long; how often."""
    once, width = ATTACKS[name]
    numbers = itertools.count()

    async def again_and_again() -> None:
        while True:
            try:
                await once(victim, next(numbers))
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.01)

    attackers = [asyncio.create_task(again_and_again()) for _ in range(width)]
    await asyncio.wait(attackers, timeout=seconds)
    for each in attackers:
        each.cancel()
    ends = await asyncio.gather(*attackers, return_exceptions=True)
    wrong = next((end for end in ends if isinstance(end, Exception)), None)
    if wrong is not None:
        raise wrong
    return next(numbers)


if __name__ == "__main__":
    print(asyncio.run(attack(sys.argv[1], float(sys.argv[2]), Victim(**json.load(sys.stdin)))))
