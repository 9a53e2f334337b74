import asyncio

import pytest


@pytest.mark.requirement(13)
@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [("GET", "/adapter/1", 401), ("GET", "/nowhere", 404), ("GET", "/auth/login", 405), ("POST", "/auth/login", 400)],
)
async def test_every_answer_has_the_safe_headers(rest, verb, path, status):
    answer = await rest.call(verb, path)

    assert answer.status == status
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "aiohttp" not in answer.headers.get("server", "").lower()
    assert answer.json["request_id"] == answer.headers["x-request-id"]


@pytest.mark.requirement(10)
@pytest.mark.parametrize(
    ("verb", "path", "status", "reason"),
    [
        ("GET", "/nowhere", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/auth/login", 405, "VERB_NOT_ALLOWED"),
        ("OPTIONS", "/auth/login", 405, "VERB_NOT_ALLOWED"),
        ("GET", "/adapter/", 405, "VERB_NOT_ALLOWED"),
    ],
)
async def test_what_is_not_served_is_a_problem_too(rest, verb, path, status, reason):
    answer = await rest.call(verb, path)

    assert (answer.status, answer.kind, answer.reason) == (status, "application/problem+json", reason)
    assert answer.json.keys() >= {"type", "title", "status", "detail", "instance", "reason", "request_id", "message"}
    if status == 405:
        assert answer.headers["allow"]


async def test_a_request_id_goes_through_to_the_servers_log(rest, caplog):
    caplog.set_level("INFO", "auth_server")

    answer = await rest.call("GET", "/.well-known/jwks.json", headers={"x-request-id": "request-1"})

    assert answer.headers["x-request-id"] == "request-1"
    assert [record.request_id for record in caplog.records if record.name.startswith("auth_server")] == ["request-1"]


@pytest.mark.requirement(13)
async def test_a_token_in_a_path_is_in_no_log(rest, caplog):
    caplog.set_level("DEBUG")

    for path in ("/adapter/get-session/marked-token", "/adapter/get-session/marked-token/more", "/marked-token"):
        await rest.call("GET", path, headers={"x-auth-secret": "marked-token"})

    ours = [record for record in caplog.records if record.name.startswith(("auth_server", "http_gateway"))]
    assert ours
    assert not any("marked-token" in str(record.__dict__) for record in ours)


async def test_health_and_readiness_are_told(rest):
    assert (await rest.call("GET", "/healthz")).status == 200
    ready = await rest.call("GET", "/readyz")
    assert (ready.status, ready.json) == (200, {"status": "SERVING"})


async def test_the_api_page_is_served_whole_from_here(rest):
    document = await rest.call("GET", "/openapi.json")
    page = await rest.call("GET", "/docs")

    assert (document.status, document.json["openapi"][:3]) == (200, "3.1")
    assert (page.status, page.kind) == (200, "text/html; charset=utf-8")
    assert "<script" not in page.text
    assert 'src="http' not in page.text
    assert "/auth/login" in page.text


async def test_many_calls_at_once_are_all_answered(rest):
    user = await rest.a_user()

    answers = await asyncio.gather(*(rest.adapter("GET", f"/{user['id']}") for _ in range(200)))

    assert all(answer.json == user for answer in answers)


@pytest.mark.parametrize(
    "path", ["/adapter/a//b", "/adapter//", "/adapter/../auth", "/adapter/%2e%2e/x", "//adapter/1", "/adapter/1?x=%zz"]
)
async def test_odd_paths_are_refused_or_looked_up_but_never_break(rest, path):
    answer = await rest.call("GET", path, headers={"x-auth-secret": rest.adapter_secret})

    assert answer.status in (200, 400, 404, 405)


@pytest.mark.parametrize(
    "raw",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 20_000),
        b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nx: %s\r\n\r\n" % (b"a" * 20_000),
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda raw: str(raw[:25]),
)
@pytest.mark.requirement(10)
async def test_what_is_no_http_is_a_problem_and_not_a_fault(rest, raw):
    host, port = rest.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw)

    answer = await asyncio.wait_for(reader.read(), 8)

    writer.close()
    assert answer.split(b" ")[1].startswith(b"4"), answer
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://any.example/healthz", 200),
        ("http://any.example?x=/healthz", 404),
        ("http://any.example#/healthz", 404),
        ("http://any.example", 404),
    ],
)
async def test_the_absolute_form_of_a_target_has_its_path_behind_the_host(rest, target, status):
    host, port = rest.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {target} HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n".encode())

    answer = await asyncio.wait_for(reader.read(), 8)

    writer.close()
    assert answer.split(b" ")[1] in (str(status).encode(), b"400")
