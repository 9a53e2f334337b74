"""How the gateway starts, ends, and bears clients that do not behave."""

import asyncio
import errno
import json
import logging

import aiohttp
import grpc
import pytest

from gatepost.v1 import adapter_service_pb2
from http_gateway.app import running
from http_gateway.rpc_answers import RpcAnswers
from tests.http.plain_http import a_setting, answer_of, connected


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
        await asyncio.wait_for(called.wait(), 30)

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
    async with asyncio.timeout(30):
        async with running(a_setting(shutdown_seconds=0.2), scripted_channel) as gateway:
            _, writer = await connected(gateway)
            writer.write(b"GET /adapter/1 HTTP/1.1\r\nHost: x\r\nx-auth-secret: s\r\n\r\n")
            await called.wait()
    writer.close()


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

    monkeypatch.setattr(RpcAnswers, "of", broken)

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
