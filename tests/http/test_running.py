"""How the gateway starts, ends, and bears clients that do not behave."""

import asyncio
import errno
import json
import logging

import aiohttp
import grpc
import pytest

from gatepost.v1 import adapter_service_pb2
from http_gateway.app import make_app, running
from http_gateway.settings import GatewaySettings
from http_gateway.transcoder import BoundRoute

HEAD = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
UPDATE = b"PATCH /adapter HTTP/1.1\r\nHost: x\r\nx-auth-secret: s\r\nContent-Type: application/json\r\n"
BODY = b'{"email": "ann@example.org", "password": "a long password"}'


async def connected(gateway):
    return await asyncio.open_connection("127.0.0.1", gateway.port)


async def answer_of(reader):
    """One whole answer: its status line, headers and body."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()
    length = next((line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Content-Length")), "0")
    return head, json.loads(await reader.readexactly(int(length)) or b"null")


def a_setting(**more):
    return GatewaySettings(**{"http_port": 0, "shutdown_seconds": 2, **more})


async def test_a_port_that_is_taken_is_told_as_such(scripted_channel):
    async with running(a_setting(), scripted_channel) as first:
        with pytest.raises(OSError, match=str(first.port)) as refusal:
            async with running(a_setting(http_port=first.port), scripted_channel):
                pass

    assert refusal.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "localhost")]
)
async def test_the_url_can_be_used_as_it_is(scripted_channel, script, host, url):
    async with running(a_setting(http_host=host), scripted_channel) as gateway, aiohttp.ClientSession() as session:
        assert gateway.http_url == f"http://{url}:{gateway.port}"
        async with session.get(f"{gateway.http_url}/healthz") as answer:
            assert await answer.json() == {"status": "SERVING"}


async def test_requests_in_flight_end_before_the_gateway_does(scripted_channel, script):
    called = asyncio.Event()

    async def answer(_request, _context):
        called.set()
        await asyncio.sleep(0.3)
        return adapter_service_pb2.GetUserByIdResponse()

    script.answer = answer
    async with running(a_setting(), scripted_channel) as gateway:
        reader, writer = await connected(gateway)
        writer.write(b"GET /adapter/1 HTTP/1.1\r\nHost: x\r\nx-auth-secret: s\r\n\r\n")
        await asyncio.wait_for(called.wait(), 5)

    head, body = await answer_of(reader)
    writer.close()
    assert (head.split(" ")[1], body) == ("200", None)
    with pytest.raises(OSError, match="Connect call failed"):
        await connected(gateway)


async def test_a_request_that_does_not_end_is_not_waited_for_longer_than_is_set(scripted_channel, script):
    called = asyncio.Event()

    async def answer(_request, _context):
        called.set()
        await asyncio.sleep(30)

    script.answer = answer
    async with asyncio.timeout(5):
        async with running(a_setting(shutdown_seconds=0.2), scripted_channel) as gateway:
            _, writer = await connected(gateway)
            writer.write(b"GET /adapter/1 HTTP/1.1\r\nHost: x\r\nx-auth-secret: s\r\n\r\n")
            await called.wait()
    writer.close()


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
    async with asyncio.timeout(5), running(a_setting(), scripted_channel) as gateway:
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
        writer.write(UPDATE + b"grpc-timeout: 3S\r\nContent-Length: 11\r\n\r\n{")
        await asyncio.sleep(0.6)
        writer.write(b'"id": "1"}')
        head, _ = await answer_of(reader)
        writer.close()

    assert head.split(" ")[1] == "200"
    assert script.seconds_left[0] < 2.5


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

        assert await asyncio.wait_for(reader.read(), 5) == b""
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

    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
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


@pytest.mark.requirement(9)
async def test_a_server_that_is_away_is_503_and_says_nothing_of_the_wire(caplog):
    caplog.set_level(logging.INFO, "http_gateway")
    async with (
        grpc.aio.insecure_channel("127.0.0.1:1") as channel,
        running(a_setting(), channel) as gateway,
        aiohttp.ClientSession(gateway.http_url, headers={"x-auth-secret": "s"}) as session,
    ):
        async with session.get("/adapter/get-session/a-token") as answer:
            problem = await answer.json(content_type="application/problem+json")
        async with session.get("/readyz") as ready:
            assert ready.status == 503
        async with session.get("/healthz") as alive:
            assert alive.status == 200

    assert (problem["status"], problem["reason"]) == (503, "SERVER_UNAVAILABLE")
    assert problem["detail"] == "The auth server cannot be reached; try again."
    first = caplog.records[0]
    assert (first.route, first.status, first.reason) == (
        "GET /adapter/get-session/{session_token}",
        503,
        "SERVER_UNAVAILABLE",
    )


@pytest.mark.requirement(9, 61)
async def test_a_defect_is_500_and_logged_once_with_the_request_id(client, caplog, monkeypatch):
    def broken(*_arguments):
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(BoundRoute, "_answer", broken)

    seen = await client("GET", "/adapter/a-token", headers={"x-request-id": "r-1"})

    assert (seen.status, json.loads(seen.text)["reason"]) == (500, "INTERNAL")
    assert "inside" not in seen.text
    [line] = [record for record in caplog.records if record.name == "http_gateway"]
    assert (line.levelname, line.request_id, line.route) == ("ERROR", "r-1", "GET /adapter/{id}")
    assert str(line.exc_info[1]) == "a secret of the inside"
    assert "a-token" not in str(line.__dict__)


@pytest.mark.requirement(61)
async def test_only_what_never_became_an_rpc_is_logged_here(client, script, caplog):
    caplog.set_level(logging.INFO, "http_gateway")

    await client("GET", "/adapter/1")
    assert [record for record in caplog.records if record.name == "http_gateway"] == []
    await client("GET", "/adapter/1", headers={"x-auth-secret": ""})

    [line] = [record for record in caplog.records if record.name == "http_gateway"]
    assert (line.route, line.status, line.reason) == ("GET /adapter/{id}", 401, "CREDENTIAL_MISSING")
    assert line.ms >= 0


async def test_a_route_can_be_switched_off(scripted_channel, script):
    settings = a_setting(disabled_routes=["DELETE /adapter/{id}"])
    async with running(settings, scripted_channel) as gateway, aiohttp.ClientSession() as session:
        async with session.delete(f"{gateway.http_url}/adapter/1", headers={"x-auth-secret": "s"}) as answer:
            assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
        async with session.get(f"{gateway.http_url}/adapter/1", headers={"x-auth-secret": "s"}) as answer:
            assert answer.status == 200


async def test_a_route_that_is_none_cannot_be_switched_off(scripted_channel):
    with pytest.raises(ValueError, match="DELETE /nowhere"):
        async with running(a_setting(disabled_routes=["DELETE /nowhere"]), scripted_channel):
            pass


async def test_the_gateway_can_be_an_application_of_somebody_elses_server(aiohttp_client, scripted_channel, script):
    client = await aiohttp_client(make_app(a_setting(), scripted_channel))

    found = await client.get("/adapter/a%0Ab", headers={"x-auth-secret": "s"})
    missing = await client.get("/nowhere")
    sent = await client.patch("/adapter", json={"id": "1"}, headers={"x-auth-secret": "s"}, expect100=True)

    assert (found.status, script.requests[0][1].id) == (200, "a\nb")
    assert (missing.status, (await missing.json(content_type=None))["reason"]) == (404, "ROUTE_NOT_FOUND")
    assert sent.status == 200
