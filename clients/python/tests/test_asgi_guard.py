"""AsgiGuard in front of FastAPI and Starlette, over real HTTP."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import jwt
import pytest
from fastapi import FastAPI, WebSocket
from serving import served
from signing import Pair
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket as StarletteWebSocket

from gatepost_client import AsgiGuard, Claims, caller, require_role
from gatepost_client.claims import TokenRules

PUBLIC = ("/healthz", "/docs/*")
ROLES = {"/admin/*": "operator"}


def a_fastapi(verifier) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)
    app.add_middleware(AsgiGuard, verifier=verifier, public=PUBLIC, roles=ROLES)

    @app.get("/me")
    async def me():
        return {"user": caller().user_id}

    @app.get("/me-in-a-thread")
    def me_in_a_thread():
        return {"user": caller().user_id}

    @app.get("/healthz")
    async def healthz():
        return {}

    @app.get("/docs/{page}")
    async def page_of(page: str):
        return {"page": page}

    @app.get("/admin/users")
    async def users():
        return {}

    @app.get("/reports")
    async def reports():
        return {"operator": require_role("operator").user_id}

    @app.websocket("/socket")
    async def echo(socket: WebSocket):
        await socket.accept()
        await socket.send_text(caller().user_id)
        await socket.close()

    return app


def a_starlette(verifier) -> Starlette:
    async def me(_: Request):
        return JSONResponse({"user": caller().user_id})

    def me_in_a_thread(_: Request):
        return JSONResponse({"user": caller().user_id})

    async def empty(_: Request):
        return JSONResponse({})

    async def reports(_: Request):
        return JSONResponse({"operator": require_role("operator").user_id})

    async def echo(socket: StarletteWebSocket):
        await socket.accept()
        await socket.send_text(caller().user_id)
        await socket.close()

    routes = [
        Route("/me", me),
        Route("/me-in-a-thread", me_in_a_thread),
        Route("/healthz", empty),
        Route("/docs/{page}", empty),
        Route("/admin/users", empty),
        Route("/reports", reports),
        WebSocketRoute("/socket", echo),
    ]
    guard = Middleware(AsgiGuard, verifier=verifier, public=PUBLIC, roles=ROLES)
    return Starlette(routes=routes, middleware=[guard])


@pytest.fixture(params=[a_fastapi, a_starlette], ids=["FastAPI", "Starlette"])
async def service(request, verifier) -> AsyncIterator[str]:
    async with served(request.param(verifier)) as url:
        yield url


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/me", "/me-in-a-thread"])
async def test_the_application_knows_its_caller(path, gatepost, service, http):
    sub = "01890000-0000-7000-8000-000000000001"

    async with http.get(service + path, headers=bearer(gatepost.pair.signed(sub=sub))) as answer:
        assert (answer.status, await answer.json()) == (200, {"user": sub})


@pytest.mark.parametrize("path", ["/healthz", "/docs/one"])
async def test_a_public_path_asks_for_nothing(path, service, http):
    async with http.get(service + path) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "path", ["/me", "/", "/nowhere", "/docs", "/docs/../me", "/docs/%2e%2e/me", "/healthz/", "/HEALTHZ"]
)
async def test_every_other_path_asks_for_a_token(path, service, http):
    from yarl import URL

    async with http.get(URL(service + path, encoded=True)) as answer:
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="gatepost"'
        assert answer.content_type == "application/problem+json"
        assert (await answer.json(content_type=None))["reason"] == "CREDENTIAL_MISSING"


async def test_a_bad_token_is_refused_as_such(gatepost, service, http):
    async with http.get(service + "/me", headers=bearer(Pair(gatepost.pair.kid).signed())) as answer:
        problem = await answer.json(content_type=None)

    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert (problem["reason"], problem["status"]) == ("ACCESS_TOKEN_INVALID", 401)


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic YTpi", "Refresh abc"])
async def test_another_credential_is_none(value, service, http):
    async with http.get(service + "/me", headers={"authorization": value}) as answer:
        assert answer.status == 401
        assert (await answer.json(content_type=None))["reason"] == "CREDENTIAL_MISSING"


async def test_two_tokens_are_none(gatepost, service, http):
    token = gatepost.pair.signed()
    twice = [("authorization", f"Bearer {token}")] * 2

    async with http.get(service + "/me", headers=twice) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("path", ["/admin/users", "/reports"])
@pytest.mark.parametrize(("role", "status"), [("user", 403), ("operator", 200)])
async def test_a_role_may_be_asked_for(path, role, status, gatepost, service, http):
    async with http.get(service + path, headers=bearer(gatepost.pair.signed(role=role))) as answer:
        assert answer.status == status
        if status == 403:
            assert (await answer.json(content_type=None))["reason"] == "PERMISSION_DENIED"


@pytest.mark.parametrize("path", ["/docs/../admin/users", "/admin/./users", "//admin/users", "/admin\\users", "/x/.."])
async def test_a_path_that_somebody_could_resolve_asks_for_every_role(path, gatepost):
    verifier = Known(await claims_of(gatepost.pair.signed()))
    sent = []

    async def send(message):
        sent.append(message)

    guard = AsgiGuard(no_app, verifier, roles=ROLES)
    await guard({"type": "http", "path": path, "headers": [(b"authorization", b"Bearer x")]}, None, send)

    assert sent[0]["status"] == 403


async def test_what_cannot_be_judged_is_to_be_tried_again(gatepost, verifying, http):
    await gatepost.stop()
    async with (
        verifying(synced=False) as verifier,
        served(a_starlette(verifier)) as url,
        http.get(url + "/me", headers=bearer(gatepost.pair.signed())) as answer,
    ):
        problem = await answer.json(content_type=None)

    assert (answer.status, problem["reason"], answer.headers["retry-after"]) == (503, "SERVER_UNAVAILABLE", "1")


async def test_a_websocket_opens_with_a_good_token_only(gatepost, service, http):
    sub = "01890000-0000-7000-8000-000000000001"

    async with http.ws_connect(service + "/socket", headers=bearer(gatepost.pair.signed(sub=sub))) as opened:
        assert await opened.receive_str() == sub
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await http.ws_connect(service + "/socket", headers=bearer(Pair(gatepost.pair.kid).signed()))
    assert caught.value.status == 401


async def test_a_websocket_is_closed_where_the_server_cannot_say_why():
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    guard = AsgiGuard(no_app, verifier=None)
    await guard({"type": "websocket", "path": "/", "headers": []}, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "CREDENTIAL_MISSING"}]


class Known:
    """Lets in a caller whatever the token."""

    def __init__(self, claims):
        self.claims = claims

    async def verify(self, _):
        return self.claims


async def claims_of(token: str) -> Claims:
    payload = jwt.decode(token, options={"verify_signature": False})
    life = timedelta(minutes=15)
    return TokenRules("gatepost", "gatepost", life, life).claims_of(payload, "key-1", time.time())


async def no_app(scope, receive, send):
    raise AssertionError("the guard let something through")


async def test_an_unknown_kind_of_scope_is_not_let_through():
    with pytest.raises(ValueError, match="unknown kind"):
        await AsgiGuard(no_app, verifier=None)({"type": "telepathy", "path": "/", "headers": []}, None, None)


@pytest.mark.parametrize("pattern", ["healthz", "/docs*", "/*/docs", "*", ""])
def test_a_name_that_is_none_is_refused(pattern):
    with pytest.raises(ValueError, match="neither"):
        AsgiGuard(no_app, verifier=None, public=[pattern])
