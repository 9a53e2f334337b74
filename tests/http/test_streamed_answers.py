"""Streams over HTTP: a JSON array that is written as the messages come, and whole or cut off."""

import asyncio
import json

import aiohttp
import grpc
import pytest
from yarl import URL

from gatepost.v1 import export_pb2
from http_gateway.app import running
from http_gateway.settings import GatewaySettings
from tests.waiting import until

PATH = "/auth/x/export"
BEARER = {"authorization": "Bearer x"}


def record(number):
    return export_pb2.ExportUserResponse(session=export_pb2.SessionRecord(id=str(number)))


def streams(*told):
    """A stream of these records; what can be awaited is waited for, an error is what the stream ends by."""

    async def stream(_request, context):
        for each in told:
            if isinstance(each, grpc.StatusCode):
                await context.abort(each, "")
            elif asyncio.iscoroutine(each):
                await each
            else:
                yield each

    return stream


async def test_a_stream_is_an_array_of_its_messages(client, script):
    script.stream = streams(*(record(number) for number in range(3)))

    answer = await client("GET", PATH, headers=BEARER)

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert [each["session"]["id"] for each in json.loads(answer.text)] == ["0", "1", "2"]
    assert set(json.loads(answer.text)[0]) == {"session"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"] == script.requests[0][2]["x-request-id"]


async def test_a_stream_that_tells_nothing_is_an_empty_array(client, script):
    script.stream = streams()

    assert json.loads((await client("GET", PATH, headers=BEARER)).text) == []


async def test_a_message_is_written_before_the_next_one_comes(http_session, scripted_url, script):
    read = asyncio.Event()
    script.stream = streams(record(1), read.wait(), record(2))

    async with asyncio.timeout(8), http_session.get(scripted_url + PATH, headers=BEARER) as answer:
        first = await answer.content.readany()
        read.set()
        rest = await answer.content.read()

    assert first.startswith(b'[{"session":')
    assert [each["session"]["id"] for each in json.loads(first + rest)] == ["1", "2"]


async def test_a_refusal_before_the_first_message_is_a_problem(client, script):
    script.stream = streams(grpc.StatusCode.UNAVAILABLE)

    answer = await client("GET", PATH, headers=BEARER)

    assert (answer.status, json.loads(answer.text)["reason"]) == (503, "SERVER_UNAVAILABLE")


async def test_a_stream_that_fails_on_the_way_is_cut_off(http_session, scripted_url, script):
    script.stream = streams(record(1), grpc.StatusCode.UNAVAILABLE)

    answer = await http_session.get(scripted_url + PATH, headers=BEARER)

    assert answer.status == 200
    with pytest.raises(aiohttp.ClientPayloadError):
        await answer.read()


async def test_a_client_of_http_1_0_sees_that_the_array_has_no_end(scripted_url, script):
    script.stream = streams(record(1), grpc.StatusCode.UNAVAILABLE)
    url = URL(scripted_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)

    writer.write(f"GET {PATH} HTTP/1.0\r\nauthorization: Bearer x\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 8)
    writer.close()

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"200" in head.splitlines()[0]
    assert body.startswith(b"[{")
    assert not body.rstrip().endswith(b"]")
    assert b"HTTP/1" not in body


async def test_head_reads_no_stream(client, script):
    ended = asyncio.Event()

    async def endless(_request, context):
        context.add_done_callback(lambda _: ended.set())
        while True:
            yield record(1)

    script.stream = endless

    answer = await client("HEAD", PATH, headers=BEARER)

    assert (answer.status, answer.text) == (200, "")
    await asyncio.wait_for(ended.wait(), 8)


async def test_a_client_that_goes_away_ends_the_stream(http_session, scripted_url, script):
    ended = asyncio.Event()
    big = export_pb2.ExportUserResponse(session=export_pb2.SessionRecord(id="x" * 20_000))

    async def endless(_request, context):
        context.add_done_callback(lambda _: ended.set())
        while True:
            yield big

    script.stream = endless
    async with http_session.get(scripted_url + PATH, headers=BEARER) as answer:
        await answer.content.readany()
        answer.close()

    await asyncio.wait_for(ended.wait(), 8)


async def test_a_client_that_reads_slowly_is_not_written_to_without_end(scripted_url, script):
    sent = 0
    big = export_pb2.ExportUserResponse(session=export_pb2.SessionRecord(id="x" * 50_000))

    async def endless(_request, _context):
        nonlocal sent
        while True:
            yield big
            sent += 1

    script.stream = endless
    url = URL(scripted_url)
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"GET {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\n\r\n".encode())

    before = -1
    async with asyncio.timeout(8):
        while before != sent or not sent:
            before = sent
            await asyncio.sleep(0.2)
    writer.transport.abort()

    assert sent * 50_000 < 32_000_000  # the buffers of two sockets


@pytest.mark.requirement(7)
async def test_a_stream_ends_with_its_time(http_session, scripted_channel, script):
    script.stream = streams(record(1), asyncio.sleep(60))
    settings = GatewaySettings(http_port=0, stream_timeout_seconds=0.6)

    async with running(settings, scripted_channel) as gateway:
        answer = await http_session.get(gateway.http_url + PATH, headers=BEARER)
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()

    assert script.seconds_left[0] < 0.7


@pytest.mark.requirement(7)
async def test_a_client_that_stops_reading_has_no_more_time(scripted_channel, script, caplog):
    caplog.set_level("INFO", "http_gateway")
    big = export_pb2.ExportUserResponse(session=export_pb2.SessionRecord(id="x" * 50_000))

    async def endless(_request, _context):
        while True:
            yield big

    script.stream = endless
    settings = GatewaySettings(http_port=0, stream_timeout_seconds=1)
    async with running(settings, scripted_channel) as gateway:
        url = URL(gateway.http_url)
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(f"GET {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\n\r\n".encode())

        async def refusals():
            return [each for each in caplog.records if each.message == "refused"]

        try:
            [line] = await asyncio.wait_for(until(refusals), 8)
        finally:
            writer.transport.abort()

    assert (line.reason, line.route) == ("DEADLINE_EXCEEDED", "GET /auth/{id}/export")


@pytest.mark.requirement(7)
async def test_a_client_may_give_a_stream_less_time(client, script):
    script.stream = streams(record(1))

    await client("GET", PATH, headers={**BEARER, "grpc-timeout": "20S"})

    assert 10 < script.seconds_left[0] < 20.1
