"""Versions of HTTP, over a bare connection."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.http.plain_http import answer_of


async def answered(rest, verb, version):
    """The first line and the body of the answer to a request whose line ends so, and whether the connection ends."""
    place = urlsplit(rest.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(f"{verb} /adapter/1{version}\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    head, body = await answer_of(reader)
    writer.write(b"\r\n")
    ended = head.startswith("HTTP/1.0") and await asyncio.wait_for(reader.read(), 8) == b""
    writer.close()
    return head.partition("\r\n")[0], body["reason"], ended


@pytest.mark.requirement(11)
@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_another_version_of_http_is_none(rest, verb):
    for version in ("", " HTTP/0.9", " HTTP/1.2", " HTTP/2.0", " HTTP/3.0", " http/1.1"):
        found = await answered(rest, verb, version)

        assert found == ("HTTP/1.0 400 Bad Request", "HTTP_INVALID", True), version


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    "pieces",
    [
        ["GET /adapter/1 RTSP/1.0\r\nHost: x\r\n\r\n"],
        ["POST /adapter/1 RTSP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"],
        ["SOURCE /adapter/1 ICE/1.0\r\nHost: x\r\n\r\n"],
        ["GET /adapter/1 RT", "SP/1.0\r\nHost: x\r\n\r\n"],
        ["GET /adapter/1 RTSP/1.0\r\nHo", "st: x\r\n", "\r\n"],
    ],
    ids=range(5),
)
async def test_another_protocol_is_no_http(rest, pieces):
    place = urlsplit(rest.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    for piece in pieces:
        writer.write(piece.encode())
        await asyncio.sleep(0.01)

    head, problem = await answer_of(reader)

    assert (head.split()[1], problem["reason"]) == ("400", "HTTP_INVALID")
    assert await asyncio.wait_for(reader.read(), 8) == b""
    writer.close()


async def test_the_name_of_another_protocol_may_stand_elsewhere(rest):
    place = urlsplit(rest.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    for _ in range(2):
        writer.write(b"GET /adapter/RTSP/1.0 HTTP/1.1\r\nHost: x\r\nX-Of: y RTSP/1.0\r\n\r\n")
        head, _ = await answer_of(reader)

        assert head.split()[1] == "404"
    writer.close()


async def test_both_versions_that_there_are_of_http_1_are_served(rest):
    for version in ("1.0", "1.1"):
        line, reason, _ = await answered(rest, "GET", f" HTTP/{version}")

        assert (line, reason) == (f"HTTP/{version} 401 Unauthorized", "CREDENTIAL_MISSING")
