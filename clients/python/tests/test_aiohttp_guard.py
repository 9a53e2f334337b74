"""aiohttp_guard in front of an aiohttp application, over real HTTP."""

from __future__ import annotations

import pytest
from aiohttp import web
from signing import Pair

from gatepost_client import NotGuardedError, caller, require_role
from gatepost_client.guards.aiohttp_server import aiohttp_guard


async def me(_: web.Request) -> web.Response:
    return web.json_response({"user": caller().user_id})


async def nobody(_: web.Request) -> web.Response:
    with pytest.raises(NotGuardedError):
        caller()
    return web.json_response({})


async def reports(_: web.Request) -> web.Response:
    return web.json_response({"operator": require_role("operator").user_id})


@pytest.fixture
async def service(verifier, aiohttp_client):
    guard = aiohttp_guard(verifier, public=["/healthz", "/items/{id}", "/docs/*"], roles={"/admin/*": "operator"})
    app = web.Application(middlewares=[guard])
    app.router.add_get("/me", me)
    app.router.add_get("/items/{id}", nobody)
    app.router.add_get("/items/{id}/secrets", me)
    app.router.add_get("/docs/{page}", nobody)
    app.router.add_get("/healthz", nobody)
    app.router.add_get("/admin/{tail:.*}", me)
    app.router.add_get("/reports", reports)
    return await aiohttp_client(app)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_a_handler_knows_its_caller(gatepost, service):
    sub = "01890000-0000-7000-8000-000000000001"

    answer = await service.get("/me", headers=bearer(gatepost.pair.signed(sub=sub)))

    assert (answer.status, await answer.json()) == (200, {"user": sub})


@pytest.mark.parametrize("path", ["/healthz", "/items/7", "/docs/one"])
async def test_a_public_route_asks_for_nothing(path, service):
    assert (await service.get(path)).status == 200


@pytest.mark.parametrize("path", ["/me", "/nowhere", "/docs", "/items/7/secrets", "/items/../me", "/healthz/"])
async def test_every_other_route_asks_for_a_token(path, service):
    answer = await service.get(path)

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="gatepost"'
    assert answer.content_type == "application/problem+json"
    assert (await answer.json(content_type=None))["reason"] == "CREDENTIAL_MISSING"


async def test_a_bad_token_is_refused_as_such(gatepost, service):
    answer = await service.get("/me", headers=bearer(Pair(gatepost.pair.kid).signed()))

    assert answer.status == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("path", ["/admin/users", "/reports"])
@pytest.mark.parametrize(("role", "status"), [("user", 403), ("operator", 200)])
async def test_a_role_may_be_asked_for(path, role, status, gatepost, service):
    assert (await service.get(path, headers=bearer(gatepost.pair.signed(role=role)))).status == status


async def test_what_cannot_be_judged_is_to_be_tried_again(gatepost, verifying, aiohttp_client):
    await gatepost.stop()
    async with verifying(synced=False) as verifier:
        app = web.Application(middlewares=[aiohttp_guard(verifier)])
        app.router.add_get("/me", me)
        answer = await (await aiohttp_client(app)).get("/me", headers=bearer(gatepost.pair.signed()))

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
