"""Refusals of the real server and of HTTP itself, through both forms of the gateway."""

import asyncio
import json

import pytest

from tests.people import PASSWORD

SIGNUP = b"POST /adapter/signup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nx-auth-secret: %s\r\n"


def assert_problem(answer, status, reason):
    assert (answer.status, answer.kind, answer.reason) == (status, "application/problem+json", reason)
    assert answer.json["status"] == status
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"


async def exchange(rest, *parts):
    """What comes back once all parts are sent, each after the answer to the one before has begun."""
    host, port = rest.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    heads = []
    for part in parts:
        writer.write(part)
        heads.append((await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 8)).decode())
    length = next(line.split(": ")[1] for line in heads[-1].split("\r\n") if line.startswith("Content-Length"))
    body = await asyncio.wait_for(reader.readexactly(int(length)), 8)
    writer.close()
    return [int(head.split(" ")[1]) for head in heads], json.loads(body)


@pytest.mark.requirement(10)
async def test_another_persons_things_are_403(rest):
    ann, bob = await rest.logged_in(), await rest.logged_in()

    answer = await rest.call(
        "GET",
        f"/auth/{bob['user']['id']}",
        headers={"authorization": f"Bearer {ann['backendTokens']['accessToken']}"},
    )

    assert_problem(answer, 403, "PERMISSION_DENIED")


@pytest.mark.requirement(10)
async def test_who_is_not_there_is_404(rest):
    account = {"userId": "01890000-0000-7000-8000-000000000000", "type": "oauth", "provider": "x"}

    answer = await rest.adapter("POST", "/link-account", account | {"providerAccountId": "1"})

    assert_problem(answer, 404, "USER_NOT_FOUND")


@pytest.mark.requirement(10)
async def test_what_is_taken_is_409(rest):
    await rest.a_user(email="ann@example.org")

    answer = await rest.adapter("POST", "/signup", {"email": "ann@example.org"})

    assert_problem(answer, 409, "EMAIL_TAKEN")


@pytest.mark.requirement(5, 10)
async def test_a_body_that_is_too_large_is_413(rest):
    answer = await rest.call("POST", "/auth/register", raw=b"{" + b" " * 70_000)

    assert_problem(answer, 413, "REQUEST_TOO_LARGE")


@pytest.mark.requirement(10)
@pytest.mark.parametrize("headers", [{"content-type": "text/xml"}, {"content-encoding": "gzip"}], ids=str)
async def test_a_body_that_is_no_json_is_415(rest, headers):
    answer = await rest.call("POST", "/auth/register", raw=b"{}", headers=headers)

    assert_problem(answer, 415, "MEDIA_TYPE_UNSUPPORTED")


@pytest.mark.requirement(10)
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "JSON_INVALID"),
        (b"\xff", "JSON_INVALID"),
        (b'{"a":1}}', "JSON_INVALID"),
        (b"{'a': 1}", "JSON_INVALID"),
        (b"[]", "REQUEST_INVALID"),
        (b"null", "REQUEST_INVALID"),
        (b'"a"', "REQUEST_INVALID"),
        (b"", "REQUEST_INVALID"),
    ],
    ids=str,
)
async def test_a_body_that_is_no_json_object_is_400(rest, raw, reason):
    answer = await rest.call("POST", "/auth/register", raw=raw, headers={"content-type": "application/json"})

    assert_problem(answer, 400, reason)


@pytest.mark.requirement(10, 11)
async def test_a_field_that_breaks_its_rule_is_400_and_named(rest):
    body = {"name": "Ann", "email": "ann@example.org", "password": PASSWORD, "companyName": "a" * 40_000}

    answer = await rest.call("POST", "/auth/register", body)

    assert_problem(answer, 400, "REQUEST_INVALID")
    assert [error["field"] for error in answer.json["errors"]] == ["companyName"]


@pytest.mark.requirement(10)
@pytest.mark.parametrize(
    ("verb", "path", "allowed"),
    [("PUT", "/auth/login", "POST"), ("POST", "/.well-known/jwks.json", "GET, HEAD"), ("HEAD", "/auth/login", "POST")],
)
async def test_a_verb_that_a_path_does_not_know_is_405(rest, verb, path, allowed):
    answer = await rest.call(verb, path)

    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    if verb != "HEAD":
        assert_problem(answer, 405, "VERB_NOT_ALLOWED")


@pytest.mark.parametrize("path", ["/adapter/1", "/auth/1", "/nowhere", "/.well-known/jwks.json"])
async def test_head_is_get_without_the_body(rest, path):
    headers = {"x-auth-secret": rest.adapter_secret}

    got = await rest.call("GET", path, headers=headers)
    headed = await rest.call("HEAD", path, headers=headers)

    assert (headed.status, headed.text, headed.kind) == (got.status, "", got.kind)


@pytest.mark.requirement(7)
async def test_a_client_that_waits_no_longer_gets_504(rest):
    headers = {"x-auth-secret": rest.adapter_secret, "grpc-timeout": "1n"}

    assert_problem(await rest.call("GET", "/adapter/1", headers=headers), 504, "DEADLINE_EXCEEDED")


async def test_a_client_that_waits_for_leave_to_send_gets_it(rest):
    head = SIGNUP % rest.adapter_secret.encode() + b"Content-Length: 15\r\nExpect: 100-continue\r\n\r\n"

    statuses, user = await exchange(rest, head, b'{"name": "Ann"}')

    assert (statuses, user["name"]) == ([100, 200], "Ann")


async def test_leave_to_send_too_much_is_not_given(rest):
    head = SIGNUP % rest.adapter_secret.encode() + b"Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n"

    statuses, problem = await exchange(rest, head)

    assert (statuses, problem["reason"]) == ([413], "REQUEST_TOO_LARGE")


@pytest.mark.parametrize(
    ("chunks", "status"),
    [(b'8\r\n{"name":\r\n7\r\n "Ann"}\r\n0\r\n\r\n', 200), (b"zz\r\n", 400), (b"11171\r\n" + b" " * 70_001, 413)],
    ids=["whole", "broken", "too large"],
)
async def test_a_body_may_come_in_chunks(rest, chunks, status):
    head = SIGNUP % rest.adapter_secret.encode() + b"Transfer-Encoding: chunked\r\n\r\n"

    statuses, body = await exchange(rest, head + chunks)

    assert statuses == [status]
    assert body.get("name" if status == 200 else "reason") in ("Ann", "HTTP_INVALID", "REQUEST_TOO_LARGE")


@pytest.mark.requirement(41)
async def test_keys_that_have_not_changed_are_not_sent_again(rest):
    first = await rest.call("GET", "/.well-known/jwks.json")
    again = await rest.call("GET", "/.well-known/jwks.json", headers={"if-none-match": first.headers["etag"]})
    other = await rest.call("GET", "/.well-known/jwks.json", headers={"if-none-match": '"other"'})

    assert (first.status, first.headers["cache-control"]) == (200, "public, max-age=300")
    assert (again.status, again.text, again.headers["etag"]) == (304, "", first.headers["etag"])
    assert (other.status, other.text) == (200, first.text)
