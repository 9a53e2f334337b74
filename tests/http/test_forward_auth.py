from urllib.parse import unquote

import aiohttp
import grpc
import pytest

from gatepost.v1.identity_service_pb2 import GetIdentityResponse
from http_gateway.answer_headers import header_text
from http_gateway.app import running
from http_gateway.settings import GatewaySettings
from tests.header_values import VALUES
from tests.session_cookies import COOKIES, TOKEN

IDENTITY = GetIdentityResponse(user_id="u", email="a@b.c", name="Ada", role="user", email_verified=True, sign_in_id="s")
HEADERS = {
    "x-gatepost-user-id": "u",
    "x-gatepost-email": "a@b.c",
    "x-gatepost-name": "Ada",
    "x-gatepost-role": "user",
    "x-gatepost-email-verified": "true",
    "x-gatepost-sign-in-id": "s",
}


def identity_headers(answer):
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith("x-gatepost-")}


@pytest.fixture
def asked(client, script):
    """Asks /forward-auth with these headers."""
    script.answers(IDENTITY)

    async def ask(*headers, verb="GET"):
        async with client.session.request(verb, f"{client.url}/forward-auth", headers=headers) as answer:
            await answer.read()
            return answer

    return ask


@pytest.mark.parametrize("verb", ["GET", "HEAD"])
async def test_the_answer_has_the_identity_in_its_headers(asked, verb):
    answer = await asked(("authorization", "Bearer abc"), verb=verb)

    assert answer.status == 200
    assert identity_headers(answer) == HEADERS
    assert answer.headers["cache-control"] == "no-store"


async def test_the_answer_is_json_as_well(asked):
    answer = await asked(("authorization", "Bearer abc"))

    assert await answer.json() == {
        "userId": "u", "email": "a@b.c", "name": "Ada", "role": "user", "emailVerified": True, "signInId": "s"
    }  # fmt: skip


async def test_what_the_user_lacks_is_an_empty_header(asked, script):
    script.answers(GetIdentityResponse(user_id="u", role="user"))

    answer = await asked(("authorization", "Bearer abc"))

    empty = {"x-gatepost-email": "", "x-gatepost-name": "", "x-gatepost-sign-in-id": ""}
    assert identity_headers(answer) == HEADERS | empty | {"x-gatepost-email-verified": "false"}


@pytest.mark.parametrize(("value", "text"), VALUES)
async def test_a_value_is_percent_encoded_where_a_header_cannot_carry_it(asked, script, value, text):
    script.answers(GetIdentityResponse(user_id="u", name=value))

    answer = await asked(("authorization", "Bearer abc"))

    assert answer.headers["x-gatepost-name"] == text == header_text(value)
    assert unquote(text) == value
    assert answer.headers["x-gatepost-role"] == ""


@pytest.mark.parametrize(("cookies", "token"), COOKIES, ids=lambda value: str(value)[:60])
async def test_the_session_token_comes_from_nextauths_cookies(asked, script, cookies, token):
    answer = await asked(*(("cookie", cookie) for cookie in cookies))

    assert answer.status == (401 if token is None else 200)
    sent = [(metadata.get("x-session-token"), metadata.get("authorization")) for _, _, metadata in script.requests]
    assert sent == ([] if token is None else [(token, None)])


async def test_a_session_token_in_a_header_is_not_read(asked, script):
    answer = await asked(("x-session-token", TOKEN))

    assert answer.status == 401
    assert script.requests == []


async def test_a_bearer_token_decides_before_a_cookie(asked, script):
    await asked(("authorization", "bearer abc"), ("cookie", f"authjs.session-token={TOKEN}"))

    [(_, _, metadata)] = script.requests
    assert metadata["authorization"] == "Bearer abc"
    assert "x-session-token" not in metadata


@pytest.mark.parametrize(
    "authorization",
    [
        ["Bearer"],
        ["Bearer "],
        ["Bearer a b"],
        ["Bearer abc", "Bearer abc"],
        ["Basic x", "Basic y"],
        ["Basic x, bearer y"],
    ],
    ids=str,
)
async def test_a_malformed_bearer_token_is_refused_whatever_the_cookie(asked, script, authorization):
    headers = [("authorization", value) for value in authorization]

    answer = await asked(*headers, ("cookie", f"authjs.session-token={TOKEN}"))

    assert (answer.status, (await answer.json())["reason"]) == (401, "CREDENTIAL_MISSING")
    assert script.requests == []


async def test_an_authorization_of_another_scheme_leaves_the_cookie(asked, script):
    await asked(("authorization", "Basic eDp5"), ("cookie", f"authjs.session-token={TOKEN}"))

    [(_, _, metadata)] = script.requests
    assert metadata["x-session-token"] == TOKEN
    assert "authorization" not in metadata


async def test_a_session_token_longer_than_any_is_refused_here(asked, script):
    answer = await asked(("cookie", f"authjs.session-token={'x' * 4097}"))

    assert (answer.status, (await answer.json())["reason"]) == (401, "SESSION_INVALID")
    assert script.requests == []


async def test_a_refusal_has_a_challenge_and_no_identity(asked):
    answer = await asked()

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="gatepost"'
    assert answer.content_type == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert identity_headers(answer) == {}


async def test_without_a_server_nobody_is_let_through(http_session: aiohttp.ClientSession):
    async with (
        grpc.aio.insecure_channel("127.0.0.1:1") as nowhere,
        running(GatewaySettings(http_port=0), nowhere) as gateway,
        http_session.get(f"{gateway.http_url}/forward-auth", headers={"authorization": "Bearer abc"}) as answer,
    ):
        assert answer.status == 503
        assert identity_headers(answer) == {}


async def test_a_real_sign_in_and_a_real_session_are_let_through(rest):
    ann = await rest.people.signed_in()
    session = await rest.people.a_session(ann.id)

    by_token = await rest.call("GET", "/forward-auth", headers=dict(ann.bearer))
    by_cookie = await rest.call(
        "GET", "/forward-auth", headers={"cookie": f"__Secure-next-auth.session-token={session.session_token}"}
    )

    assert (by_token.status, by_cookie.status) == (200, 200)
    assert by_token.headers["x-gatepost-user-id"] == by_cookie.headers["x-gatepost-user-id"] == ann.id
    assert by_token.headers["x-gatepost-sign-in-id"]
    assert by_cookie.headers["x-gatepost-sign-in-id"] == ""


async def test_the_query_string_of_the_request_that_is_asked_about_is_ignored(client, script):
    script.answers(IDENTITY)
    url = f"{client.url}/forward-auth?user_id=1&a=b&%zz"

    async with client.session.get(url, headers={"authorization": "Bearer abc"}) as answer:
        assert answer.status == 200
        assert identity_headers(answer) == HEADERS
