"""Where one request ends and the next begins: what a proxy in front may see otherwise is refused, or is the last."""

import asyncio
import re

import pytest

from http_gateway.app import running
from tests.http.plain_http import HEAD, a_setting, connected

NEXT = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /nowhere HTTP/1.0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
FAULTY = (
    b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    b"Content-Length: 2, 2\r\n\r\n{}",
    b"Content-Length: +2\r\n\r\n{}",
    b"Content-Length: 0x2\r\n\r\n{}",
    b"Content-Length : 2\r\n\r\n{}",
    b"Content-Length:\r\n\r\n",
    b"Content-Length: 99999999999999999999\r\n\r\n",
    b"Content-Length: 2\n\n{}",
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: identity\r\n\r\n{}",
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n" + CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    CHUNKED + b"2\n{}\n0\n\n",
    CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n",
    CHUNKED + b"2\r\n{}X0\r\n\r\n",
    CHUNKED + b"ffffffffffffffff1\r\n{}",
    CHUNKED + b"2\r\n{}\r\n0\r\nContent-Length: 4\r\n\r\n",
    b"Host: y\r\nContent-Length: 2\r\n\r\n{}",
    b"X: a\r\n folded\r\nContent-Length: 2\r\n\r\n{}",
    b"X: a\rb\r\nContent-Length: 2\r\n\r\n{}",
    b"X\x00: a\r\nContent-Length: 2\r\n\r\n{}",
)


async def statuses_of(gateway, request):
    """What a request and the two behind it are answered."""
    reader, writer = await connected(gateway)
    writer.write(request + NEXT + LAST)
    told = await asyncio.wait_for(reader.read(), 8)
    writer.close()
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", told)]


@pytest.fixture
async def gateway(scripted_channel, script):
    async with running(a_setting(), scripted_channel) as gateway:
        yield gateway


async def test_a_request_whose_end_is_in_doubt_is_refused_and_none_behind_it_is_answered(gateway, script):
    for rest in FAULTY:
        assert await statuses_of(gateway, HEAD + rest) == [400], rest
    assert script.requests == []


@pytest.mark.parametrize(
    ("request_line", "rest"),
    [
        # RFC 9112, section 6.1: HTTP/1.0 knows no Transfer-Encoding.
        (b"POST /healthz HTTP/1.0\r\nConnection: keep-alive\r\n", CHUNKED + b"2\r\n{}\r\n0\r\n\r\n"),
        # Section 6.3: an empty one beside a length.
        (b"POST /healthz HTTP/1.1\r\nHost: x\r\n", b"Transfer-Encoding: \r\nContent-Length: 2\r\n\r\n{}"),
    ],
)
async def test_a_request_that_a_proxy_may_end_elsewhere_is_the_last(gateway, request_line, rest):
    assert await statuses_of(gateway, request_line + rest) == [405]


async def test_requests_of_clear_ends_follow_each_other(gateway):
    for rest in (
        CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
        b"Content-Length: 2\r\n\r\n{}",
        CHUNKED + b"2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n",
    ):
        request = b"POST /healthz HTTP/1.1\r\nHost: x\r\n" + rest
        assert await statuses_of(gateway, request) == [405, 200, 404], rest
