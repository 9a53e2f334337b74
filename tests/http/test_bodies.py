"""How bodies arrive: whole, slowly, in pieces, or not at all."""

import asyncio
import json
import logging

import aiohttp
import pytest

from gatepost.v1 import adapter_service_pb2
from http_gateway.app import running
from tests.http.plain_http import HEAD, a_setting, answer_of, connected

UPDATE = b"PATCH /adapter HTTP/1.1\r\nHost: x\r\nx-auth-secret: s\r\nContent-Type: application/json\r\n"
BODY = b'{"email": "ann@example.org", "password": "a long password"}'


@pytest.mark.requirement(5)
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_beyond_the_limit_is_refused_however_it_comes(scripted_channel, script, declared):
    async with (
        running(a_setting(body_limit_bytes=2048), scripted_channel) as gateway,
        aiohttp.ClientSession() as session,
    ):

        async def pieces():
            for _ in range(3):
                yield b" " * 1000

        url, secret = f"{gateway.http_url}/adapter/signup", {"x-auth-secret": "s"}
        async with session.post(url, data=b" " * 3000 if declared else pieces(), headers=secret) as answer:
            problem = await answer.json(content_type="application/problem+json")

    assert (problem["status"], problem["reason"]) == (413, "REQUEST_TOO_LARGE")
    assert script.requests == []


@pytest.mark.requirement(5)
async def test_a_body_of_just_the_limit_is_taken(scripted_channel, script):
    async with (
        running(a_setting(body_limit_bytes=2048), scripted_channel) as gateway,
        aiohttp.ClientSession() as session,
    ):
        body = b'{"id": "1"}'.ljust(2048)
        url, headers = f"{gateway.http_url}/adapter", {"x-auth-secret": "s", "content-type": "application/json"}
        async with session.patch(url, data=body, headers=headers) as answer:
            assert answer.status == 200


async def test_a_body_that_does_not_arrive_is_given_up(scripted_channel, script):
    async with running(a_setting(body_timeout_seconds=0.1), scripted_channel) as gateway:
        reader, writer = await connected(gateway)
        writer.write(HEAD.replace(b"/auth/login", b"/auth/register") + b"Content-Length: 50\r\n\r\n{")
        head, problem = await answer_of(reader)
        writer.close()

    assert (head.split(" ")[1], problem["reason"]) == ("408", "HTTP_INVALID")


@pytest.mark.requirement(7)
async def test_a_client_waits_for_its_slow_body_too(scripted_channel, script):
    async with asyncio.timeout(30), running(a_setting(), scripted_channel) as gateway:
        reader, writer = await connected(gateway)
        writer.write(UPDATE + b"grpc-timeout: 100m\r\nContent-Length: 50\r\n\r\n{")
        head, problem = await answer_of(reader)
        writer.close()

    assert (head.split(" ")[1], problem["reason"]) == ("504", "DEADLINE_EXCEEDED")
    assert script.requests == []


@pytest.mark.requirement(7)
async def test_an_rpc_has_only_what_its_slow_body_left(scripted_channel, script):
    async with running(a_setting(), scripted_channel) as gateway:
        reader, writer = await connected(gateway)
        writer.write(UPDATE + b"grpc-timeout: 9S\r\nContent-Length: 11\r\n\r\n{")
        await asyncio.sleep(0.2)
        writer.write(b'"id": "1"}')
        head, _ = await answer_of(reader)
        writer.close()

    assert head.split(" ")[1] == "200"
    assert script.seconds_left[0] < 8.85


@pytest.mark.requirement(7)
async def test_a_client_that_waits_no_time_is_refused_at_once(client, script):
    seen = await client("GET", "/adapter/1", headers={"grpc-timeout": "0S"})

    assert (seen.status, json.loads(seen.text)["reason"]) == (504, "DEADLINE_EXCEEDED")
    assert script.requests == []


async def test_a_body_slower_than_both_limits_is_its_clients_fault(scripted_channel, script):
    settings = a_setting(body_timeout_seconds=0.1, request_timeout_seconds=0.1)
    async with running(settings, scripted_channel) as gateway:
        reader, writer = await connected(gateway)
        writer.write(UPDATE + b"Content-Length: 50\r\n\r\n{")
        head, problem = await answer_of(reader)
        writer.close()

    assert (head.split(" ")[1], problem["reason"]) == ("408", "HTTP_INVALID")


async def test_a_head_that_does_not_arrive_ends_the_connection(scripted_channel, script):
    async with running(a_setting(keep_alive_seconds=0.2), scripted_channel) as gateway:
        reader, writer = await connected(gateway)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nx: ")

        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"5\r\n{}\r\nxx"])
async def test_a_body_of_broken_chunks_is_400(scripted_url, script, chunks):
    reader, writer = await asyncio.open_connection(*scripted_url.removeprefix("http://").split(":"))
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)

    head, _ = await answer_of(reader)

    writer.close()
    assert head.split(" ")[1] == "400"


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_defect(scripted_url, script, caplog):
    _, writer = await asyncio.open_connection(*scripted_url.removeprefix("http://").split(":"))
    writer.write(HEAD + b"Content-Length: 50\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(0.05)

    writer.close()

    await asyncio.sleep(0.05)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert script.requests == []


@pytest.mark.parametrize(
    "head",
    [
        b"GET /adapter/1 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        b"GET /adapter/1 HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nConnection: Upgrade, HTTP2-Settings\r\n",
    ],
)
async def test_an_upgrade_is_not_followed(scripted_url, script, head):
    reader, writer = await asyncio.open_connection(*scripted_url.removeprefix("http://").split(":"))
    writer.write(head + b"Host: x\r\nx-auth-secret: s\r\n\r\n")

    answer, _ = await answer_of(reader)

    writer.close()
    assert answer.split(" ")[1] == "200"


async def test_a_client_that_waits_for_leave_to_send_gets_it(scripted_url, script):
    script.answers(adapter_service_pb2.AdapterServiceUpdateUserResponse())
    reader, writer = await asyncio.open_connection(*scripted_url.removeprefix("http://").split(":"))
    writer.write(HEAD + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(BODY))

    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(BODY)
    head, _ = await answer_of(reader)

    writer.close()
    assert head.split(" ")[1] == "200"


async def test_a_client_without_a_credential_gets_no_leave_to_send(scripted_url, script):
    reader, writer = await asyncio.open_connection(*scripted_url.removeprefix("http://").split(":"))
    writer.write(b"PATCH /adapter HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\nExpect: 100-continue\r\n\r\n")

    head, _ = await answer_of(reader)

    writer.close()
    assert head.split(" ")[1] == "401"


async def test_an_expectation_that_is_not_known_is_417(client):
    seen = await client("PATCH", "/adapter", json={"id": "1"}, headers={"expect": "magic"})

    assert (seen.status, json.loads(seen.text)["reason"]) == (417, "HTTP_INVALID")
