"""What of an HTTP request reaches the RPC."""

import asyncio
import json

import grpc
import pytest

from gatepost.v1 import adapter_pb2, adapter_service_pb2, auth_service_pb2, keys_service_pb2, users_service_pb2
from http_gateway.app import running
from http_gateway.settings import GatewaySettings


async def test_a_path_reaches_the_request_as_it_was_received(client, script):
    for path, account in [
        ("/adapter/get-user-by-account/auth0/auth0|abc", "auth0|abc"),
        ("/adapter/get-account/x/https://id.example/u/1", "https://id.example/u/1"),
        ("/adapter/get-account/x/a//b/../c/", "a//b/../c/"),
        ("/adapter/get-account/x/a%2Fb%7Cc", "a/b|c"),
        ("/adapter/get-account/x/", ""),
    ]:
        await client("GET", path)

        assert script.requests[-1][1].provider_account_id == account


async def test_the_absolute_form_of_a_target_is_taken(scripted_url, script):
    answer = await raw(scripted_url, b"GET http://any.example/adapter/1 HTTP/1.1\r\nHost: x\r\nx-auth-secret: s\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert script.requests[0][1].id == "1"


@pytest.mark.parametrize(
    ("body", "held"), [(b"{}", {"user": adapter_pb2.AdapterUser()}), (b"", {}), (None, {})], ids=str
)
async def test_an_empty_object_is_there_and_an_empty_body_is_not(client, script, body, held):
    script.answers(adapter_service_pb2.CreateUserResponse())

    await client("POST", "/adapter/signup", data=body, headers={"content-type": "application/json"})

    assert script.requests[0][1] == adapter_service_pb2.CreateUserRequest(**held)


@pytest.mark.requirement(12)
async def test_the_keys_of_a_body_fill_the_update_mask(client, script):
    script.answers(users_service_pb2.UpdateUserResponse())
    body = {"name": "Ann", "companyName": None, "foundedYear": 1999}

    await client("PUT", "/auth/1", json=body, headers={"authorization": "Bearer t"})

    request = script.requests[0][1]
    assert (request.id, request.user.name, request.user.profile.founded_year) == ("1", "Ann", 1999)
    assert list(request.update_mask.paths) == ["name", "profile.company_name", "profile.founded_year"]


@pytest.mark.requirement(12)
async def test_unknown_keys_that_are_ignored_are_not_in_the_mask(client, script):
    await client("PATCH", "/adapter", json={"id": "1", "name": None, "updateMask": "email", "role": "operator"})

    request = script.requests[0][1]
    assert list(request.update_mask.paths) == ["id", "name"]


@pytest.mark.requirement(12)
@pytest.mark.parametrize("query", ["updateMask=email", "update_mask=email"])
async def test_a_client_cannot_send_the_mask_beside_the_body(client, script, query):
    seen = await client("PUT", f"/auth/1?{query}", json={"name": "x"}, headers={"authorization": "Bearer t"})

    assert (seen.status, script.requests) == (400, [])


@pytest.mark.parametrize(
    "kind", [None, "application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
)
async def test_a_body_of_json_is_taken(client, script, kind):
    headers = {"content-type": kind} if kind else {}

    seen = await client("PATCH", "/adapter", data=b'{"id": "1"}', headers=headers, skip_auto_headers=["content-type"])

    assert seen.status == 200
    assert script.requests[0][1].user.id == "1"


@pytest.mark.parametrize(
    "kind", ["text/xml", "text/json", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_a_body_of_another_type_is_415(client, script, kind):
    seen = await client("PATCH", "/adapter", data=b'{"id": "1"}', headers={"content-type": kind})

    assert (seen.status, json.loads(seen.text)["reason"]) == (415, "MEDIA_TYPE_UNSUPPORTED")
    assert script.requests == []


async def test_a_compressed_body_is_415(client, script):
    seen = await client("PATCH", "/adapter", json={"id": "1"}, headers={"content-encoding": "gzip"})

    assert (seen.status, json.loads(seen.text)["reason"]) == (415, "MEDIA_TYPE_UNSUPPORTED")


@pytest.mark.requirement(11)
async def test_no_more_than_sixteen_faults_are_listed(client):
    seen = await client("POST", "/auth/login", json={f"key{number}": 1 for number in range(100)})

    assert len(json.loads(seen.text)["errors"]) == 16


@pytest.mark.parametrize("given", ["a", "request-1", "A.b_c-9", "x" * 64])
async def test_a_request_id_of_the_client_is_kept(client, script, given):
    seen = await client("GET", "/adapter/1", headers={"x-request-id": given})

    assert seen.headers["x-request-id"] == script.requests[0][2]["x-request-id"] == given


@pytest.mark.requirement(61)
@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "caf\xe9", "a,b", '{"a":1}'])
async def test_a_request_id_that_could_forge_a_log_line_is_replaced(client, script, given):
    seen = await client("GET", "/adapter/1", headers={"x-request-id": given})

    assert len(seen.headers["x-request-id"]) == 32
    assert script.requests[0][2]["x-request-id"] == seen.headers["x-request-id"] != given


@pytest.mark.requirement(7)
@pytest.mark.parametrize(
    ("given", "seconds"), [(None, 10), ("3S", 3), ("1500m", 1.5), ("1H", 10), ("2000000u", 2), ("9M", 10)]
)
async def test_an_rpc_has_as_long_as_the_client_waits_but_no_longer_than_is_allowed(client, script, given, seconds):
    await client("GET", "/adapter/1", headers={"grpc-timeout": given} if given else {})

    assert script.seconds_left == [pytest.approx(seconds, abs=0.4)]


@pytest.mark.parametrize("given", ["", "5", "S", "-1S", "1.5S", "123456789S", "5s", "5 S", "five"])
async def test_a_malformed_timeout_is_400(client, script, given):
    seen = await client("GET", "/adapter/1", headers={"grpc-timeout": given})

    assert (seen.status, json.loads(seen.text)["errors"][0]["field"]) == (400, "grpc-timeout")


@pytest.mark.requirement(7)
async def test_an_rpc_that_takes_too_long_is_504(client, script):
    async def answer(_request, _context):
        await asyncio.sleep(60)
        raise AssertionError("the deadline has passed")

    script.answer = answer

    seen = await client("GET", "/adapter/1", headers={"grpc-timeout": "50m"})

    assert (seen.status, json.loads(seen.text)["reason"]) == (504, "DEADLINE_EXCEEDED")


async def test_a_client_that_goes_away_cancels_its_rpc(scripted_url, script):
    called, cancelled = asyncio.Event(), asyncio.Event()

    async def answer(_request, _context):
        called.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    script.answer = answer
    _, writer = await connected(scripted_url)
    writer.write(b"GET /adapter/1 HTTP/1.1\r\nHost: x\r\nx-auth-secret: s\r\n\r\n")
    await asyncio.wait_for(called.wait(), 8)

    writer.close()

    await asyncio.wait_for(cancelled.wait(), 8)


async def test_head_answers_as_get_without_the_body(client, script):
    script.answers(adapter_service_pb2.GetUserByIdResponse(user=adapter_pb2.AdapterUser(id="1")))

    got = await client("GET", "/adapter/1")
    headed = await client("HEAD", "/adapter/1")

    assert (headed.status, headed.text) == (200, "")
    assert headed.headers["content-length"] == str(len(got.text))


async def test_an_unset_response_body_is_null_and_json(client):
    seen = await client("GET", "/adapter/1")

    assert (seen.status, seen.text, seen.headers["content-type"]) == (200, "null", "application/json")


@pytest.mark.requirement(13)
async def test_no_answer_of_an_rpc_may_be_kept(client):
    seen = await client("GET", "/adapter/1")

    assert seen.headers["cache-control"] == "no-store"


@pytest.mark.requirement(41)
async def test_what_anybody_gets_may_be_kept_a_while_and_asked_after(client, script):
    key = keys_service_pb2.JsonWebKey(kty="OKP", kid="1")
    script.answers(keys_service_pb2.GetJsonWebKeySetResponse(keys=[key]))

    first = await client("GET", "/.well-known/jwks.json")
    again = await client("GET", "/.well-known/jwks.json", headers={"if-none-match": first.headers["etag"]})
    script.answers(keys_service_pb2.GetJsonWebKeySetResponse())
    changed = await client("GET", "/.well-known/jwks.json", headers={"if-none-match": first.headers["etag"]})

    assert first.headers["cache-control"] == "public, max-age=300"
    assert (again.status, again.text, again.headers["etag"]) == (304, "", first.headers["etag"])
    assert (changed.status, changed.text) == (200, '{"keys":[]}')


@pytest.mark.requirement(41)
async def test_how_long_keys_may_be_kept_is_a_setting(scripted_channel, script, http_session):
    script.answers(keys_service_pb2.GetJsonWebKeySetResponse())

    async with (
        running(GatewaySettings(http_port=0, jwks_cache_seconds=60), scripted_channel) as gateway,
        http_session.get(f"{gateway.http_url}/.well-known/jwks.json") as answer,
    ):
        assert answer.headers["cache-control"] == "public, max-age=60"


@pytest.mark.requirement(13)
async def test_a_refusal_of_what_may_be_kept_may_not(client, script):
    async def answer(_request, context):
        await context.abort(grpc.StatusCode.UNAVAILABLE, "down")

    script.answer = answer

    seen = await client("GET", "/.well-known/jwks.json")

    assert (seen.status, seen.headers["cache-control"]) == (503, "no-store")


async def connected(url):
    host, port = url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def raw(url, head):
    reader, writer = await connected(url)
    writer.write(head + b"Connection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 8)
    writer.close()
    return answer


async def test_a_deprecated_field_is_not_even_built(client, script):
    script.answers(auth_service_pb2.RefreshTokensResponse())
    body = {"sub": [0] * 10_000, "username": None}

    await client("POST", "/auth/refresh", json=body, headers={"authorization": f"Refresh {'0' * 64}"})

    assert script.requests[0][1] == auth_service_pb2.RefreshTokensRequest()
