"""HTTP over a bare connection, for what no client would send."""

import asyncio
import json

from http_gateway.settings import GatewaySettings

HEAD = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


async def connected(gateway):
    return await asyncio.open_connection("127.0.0.1", gateway.port)


async def answer_of(reader):
    """One whole answer: its status line, headers and body."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).decode()
    length = next((line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Content-Length")), "0")
    return head, json.loads(await reader.readexactly(int(length)) or b"null")


LONG = dict.fromkeys(
    ("head_timeout_seconds", "body_timeout_seconds", "read_timeout_seconds", "request_timeout_seconds"), 60
)
"""Longer than any test waits: what ends before has been ended by what the test sets."""


def a_setting(**more):
    return GatewaySettings(**{"http_port": 0, "shutdown_seconds": 2, **LONG, **more})
