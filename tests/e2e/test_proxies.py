"""Envoy, Caddy and nginx as docs/proxies.md configures them: whom they let through, and what the service then reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import aiohttp
import asyncpg
import grpc
import pytest

from auth_server.app import RunningServer
from auth_server.domain.secrets import token_hash
from auth_server.domain.services import Service as InternalService
from auth_server.storage import services
from auth_server.storage.database import Database
from gatepost.v1 import auth_service_pb2
from http_gateway.app import running as running_gateway
from http_gateway.settings import GatewaySettings
from tests.conftest import Clock
from tests.e2e.conftest import Needs
from tests.e2e.proxies import HOW, Ports, Service, documented, find_program, headers_of, proxy, serving
from tests.people import People, SignedIn
from tests.services import Known

pytestmark = pytest.mark.timeout(180)

ENVOY = Known("envoy", "e" * 64)
CHECK = "envoy.service.auth.v3.Authorization/Check"
NAMES = ("user-id", "email", "name", "role", "email-verified", "sign-in-id")
NOWHERE = 1


class Proxied:
    """A proxy in front of the service, and a client of it."""

    def __init__(self, name: str, url: str, service: Service, http: aiohttp.ClientSession) -> None:
        self.name = name
        self.service = service
        self._url = url
        self._http = http

    async def status(self, *headers: tuple[str, str], body: bytes | None = None) -> int:
        """The status of the answer to a request with these headers."""
        answer, _ = await self.asked(*headers, body=body)
        return answer.status

    async def asked(self, *headers: tuple[str, str], body: bytes | None = None) -> tuple[aiohttp.ClientResponse, bytes]:
        """The answer to a request with these headers, and its body; what the service saw before is forgotten."""
        self.service.seen.clear()
        verb = "GET" if body is None else "POST"
        async with self._http.request(verb, f"{self._url}/orders/7?a=b", headers=headers, data=body) as answer:
            return answer, await answer.read()

    @property
    def identity(self) -> dict[str, str]:
        """The identity of the one request that reached the service; each header came once."""
        [(seen, _)] = self.service.seen
        assert all(len(values) == 1 for values in headers_of(seen).values()), seen
        return {name.removeprefix("x-gatepost-"): values[0] for name, values in headers_of(seen).items()}


@pytest.fixture(scope="module", params=["envoy", "caddy", "nginx"])
def name(request: pytest.FixtureRequest, needs: Needs) -> str:
    """The proxy's name; the test is skipped where it is not installed."""
    named = str(request.param)
    needs(find_program(named) is not None, HOW[named])
    return named


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[Service]:
    async with serving() as behind:
        yield behind


@pytest.fixture(scope="module")
async def shared_url(
    name: str, service: Service, shared_server: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """Where the proxy listens, with a Gatepost that is there."""
    async with running_gateway(GatewaySettings(http_port=0), shared_server.channel) as gateway:
        ports = Ports(service.port, gateway.port, shared_server.grpc_port)
        folder = tmp_path_factory.mktemp(name)
        async with proxy(name, str(find_program(name)), ports, folder, ENVOY.credential) as url:
            yield url


@pytest.fixture
async def known_envoy(db: Database) -> None:
    """Envoy is a service that may ask."""
    envoy = InternalService(ENVOY.name, frozenset({CHECK}), is_gateway=False)
    await services.add(db, envoy, [], token_hash(ENVOY.secret), datetime.now(UTC))


@pytest.fixture
def proxied(
    name: str, shared_url: str, service: Service, shared_http: aiohttp.ClientSession, known_envoy: None
) -> Proxied:
    return Proxied(name, shared_url, service, shared_http)


def bearer(signed_in: SignedIn) -> tuple[str, str]:
    return ("Authorization", f"Bearer {signed_in.access_token}")


async def test_a_signed_in_user_reaches_the_service_which_reads_who_they_are(
    proxied: Proxied, people: People, sql: asyncpg.Connection
) -> None:
    ann = await people.signed_in()
    await sql.execute("UPDATE users SET name = 'Zoë 100%' WHERE id = $1", ann.id)

    answer, text = await proxied.asked(bearer(ann))

    assert (answer.status, text) == (200, b"the service")
    identity = proxied.identity
    sign_in = await sql.fetchval("SELECT id FROM refresh_families")
    assert {**identity, "name": unquote(identity["name"])} == {
        "user-id": ann.id, "email": ann.email, "name": "Zoë 100%", "role": "user",
        "email-verified": "false", "sign-in-id": str(sign_in),
    }  # fmt: skip
    assert identity["name"] == "Zo%C3%AB 100%25"


@pytest.mark.parametrize("cookie", ["__Secure-authjs.session-token", "next-auth.session-token"])
async def test_a_session_cookie_opens_as_well(proxied: Proxied, people: People, cookie: str) -> None:
    user = await people.a_user()
    session = await people.a_session(user.id)

    status = await proxied.status(("Cookie", f"theme=dark; {cookie}={session.session_token}"))

    assert status == 200
    assert proxied.identity["user-id"] == user.id
    assert proxied.identity.get("sign-in-id", "") == ""


async def test_a_body_reaches_the_service(proxied: Proxied, people: People) -> None:
    ann = await people.signed_in()

    status = await proxied.status(bearer(ann), body=b"x" * 100_000)

    assert status == 200
    assert proxied.service.seen[0][1] == b"x" * 100_000


async def test_nobody_gets_through_without_a_token(proxied: Proxied) -> None:
    answer, text = await proxied.asked()

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="gatepost"'
    assert proxied.service.seen == []
    if proxied.name != "nginx":  # which shows a page of its own
        assert answer.content_type == "application/problem+json"
        assert json.loads(text)["reason"] == "CREDENTIAL_MISSING"


async def test_an_expired_token_is_refused(proxied: Proxied, people: People, clock: Clock) -> None:
    ann = await people.signed_in()
    clock.advance(timedelta(minutes=16))

    assert await proxied.status(bearer(ann)) == 401
    assert proxied.service.seen == []


@pytest.mark.requirement(43)
async def test_a_sign_in_that_ended_is_refused_with_the_next_request(proxied: Proxied, people: People) -> None:
    ann = await people.signed_in()
    before = await proxied.status(bearer(ann))
    await people.auth.Logout(auth_service_pb2.LogoutRequest(), metadata=ann.refresh)

    after = await proxied.status(bearer(ann))

    assert (before, after) == (200, 401)
    assert proxied.service.seen == []


async def test_a_bad_token_is_refused_whatever_the_cookie(proxied: Proxied, people: People) -> None:
    session = await people.a_session((await people.a_user()).id)
    cookie = ("Cookie", f"authjs.session-token={session.session_token}")

    alone = await proxied.status(cookie)
    with_bad = await proxied.status(cookie, ("Authorization", "Bearer garbage"))
    with_two = await proxied.status(cookie, ("Authorization", "Basic eDp5"), ("Authorization", "Bearer garbage"))

    assert alone == 200
    assert with_bad == 401
    assert with_two in (400, 401)
    assert proxied.service.seen == []


async def test_a_forged_identity_does_not_reach_the_service(
    proxied: Proxied, people: People, sql: asyncpg.Connection
) -> None:
    user = await people.a_user()
    await sql.execute("UPDATE users SET name = NULL, email = NULL WHERE id = $1", user.id)
    session = await people.a_session(user.id)
    forged = [(f"X-Gatepost-{each.title()}", "forged") for each in NAMES for _ in range(2)]

    status = await proxied.status(("Cookie", f"authjs.session-token={session.session_token}"), *forged)

    assert status == 200
    identity = {name: value for name, value in proxied.identity.items() if value}
    assert identity == {"user-id": user.id, "role": "user", "email-verified": "false"}


async def test_a_forged_header_that_we_do_not_know_is_taken_away_too(proxied: Proxied, people: People) -> None:
    ann = await people.signed_in()

    status = await proxied.status(bearer(ann), ("X-Gatepost-Admin", "forged"))

    assert status == 200
    # nginx overwrites what it is told to, and docs/proxies.md says so.
    assert set(proxied.identity) - set(NAMES) == ({"admin"} if proxied.name == "nginx" else set())


@pytest.mark.parametrize("header", ["X_Gatepost_Role", "x_gatepost-user-id", "X-Gatepost_Admin"])
async def test_an_underscore_is_no_way_around(proxied: Proxied, people: People, header: str) -> None:
    ann = await people.signed_in()

    status = await proxied.status(bearer(ann), (header, "forged"))

    if proxied.service.seen:
        assert status == 200
        assert "forged" not in proxied.identity.values()
        assert set(proxied.identity) <= set(NAMES)
    else:
        assert status == 400


@pytest.mark.parametrize("away", ["auth server", "all of it"])
async def test_without_gatepost_nobody_gets_through(
    name: str, away: str, service: Service, shared_http: aiohttp.ClientSession, people: People, tmp_path: Path
) -> None:
    ann = await people.signed_in()
    async with AsyncExitStack() as stack:
        port = NOWHERE
        if away == "auth server":
            nowhere = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{NOWHERE}"))
            port = (await stack.enter_async_context(running_gateway(GatewaySettings(http_port=0), nowhere))).port
        ports = Ports(service.port, port, NOWHERE)
        program = str(find_program(name))
        url = await stack.enter_async_context(proxy(name, program, ports, tmp_path, ENVOY.credential))

        status = await Proxied(name, url, service, shared_http).status(bearer(ann))

    assert status in {"envoy": [503], "caddy": [502, 503], "nginx": [500]}[name]
    assert service.seen == []


async def test_a_proxy_that_may_no_longer_ask_lets_nobody_through(
    proxied: Proxied, people: People, db: Database
) -> None:
    if proxied.name != "envoy":  # the others ask the gateway, which asks them for nothing
        assert "Basic" not in documented(proxied.name)
        return
    ann = await people.signed_in()
    await services.revoke(db, ENVOY.name, datetime.now(UTC))

    # A service that was found is believed for half a second.
    for _ in range(50):
        status = await proxied.status(bearer(ann))
        if status != 200:
            break
        await asyncio.sleep(0.05)

    assert status == 503
    assert proxied.service.seen == []
