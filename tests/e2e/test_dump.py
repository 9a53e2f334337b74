"""Whoever steals a dump of the database, or the logs, holds no secret: everything is driven, then searched."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest

from auth_server.settings import AuthServerSettings
from gatepost_cli.embedded_postgres import EmbeddedPostgres
from tests.conftest import ADAPTER_SECRET
from tests.e2e.programs import run
from tests.e2e.traces import traces_of
from tests.keys import private_keys

ADAPTER = {"x-auth-secret": ADAPTER_SECRET}
DUMPS = {
    "plain": ([], {}),
    "as inserts": (["--inserts"], {}),
    "with bytea escaped": ([], {"PGOPTIONS": "-c bytea_output=escape"}),
}

pytestmark = pytest.mark.timeout(180)
split = pytest.mark.parametrize("shared_gateway_url", ["split"], indirect=True)


class Secrets:
    """Secrets made up as they are needed; `all` remembers each."""

    def __init__(self, settings: AuthServerSettings) -> None:
        self.settings = settings
        encoded = [ring.get_secret_value().partition(":")[2] for ring in (settings.peppers, settings.sealing_keys)]
        self.all = [ADAPTER_SECRET.encode(), *map(base64.b64decode, encoded)]

    def new(self, kind: str) -> str:
        return self.keep(f"{kind}-{secrets.token_hex(16)}")

    def keep(self, secret: str) -> str:
        self.all.append(secret.encode())
        return secret


class Rest:
    """Calls of the gateway; the answer's status and JSON."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def __call__(self, route: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        verb, _, path = route.partition(" ")
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, str | None) else json.dumps(body)
        given["content-type"] = "application/json"
        async with self._http.request(verb, path, data=content, headers=given) as response:
            return response.status, json.loads(await response.text() or "null")

    async def adapter(self, route: str, body: Any = None) -> Any:
        verb, _, path = route.partition(" ")
        status, answer = await self(f"{verb} /adapter/{path}", body, **ADAPTER)
        assert status == 200, answer
        return answer


@pytest.fixture
async def rest(gateway_url: str) -> AsyncIterator[Rest]:
    async with aiohttp.ClientSession(gateway_url) as http:
        yield Rest(http)


@pytest.fixture
def marked(settings: AuthServerSettings) -> Secrets:
    return Secrets(settings)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], bytes]:
    """All that the loggers said of the test, down to DEBUG, with the fields that a formatter might print."""
    for name in ("", "auth_server", "http_gateway", "asyncpg", "aiohttp", "grpc"):
        caplog.set_level(logging.DEBUG, name)
    formatter = logging.Formatter()

    def texts() -> bytes:
        records = caplog.get_records("call")
        return "\n".join(f"{formatter.format(record)} {record.__dict__!r}" for record in records).encode()

    return texts


async def dump(postgres: EmbeddedPostgres, options: list[str], environment: dict[str, str]) -> bytes:
    said = await run(postgres.bin / "pg_dump", *options, postgres.dsn, env={**os.environ, **environment})
    assert said.ok, said.errors
    return said.out.encode()


async def use_the_adapter(rest: Rest, marked: Secrets) -> str:
    """Everything of the adapter, with secrets wherever one may stand; the user's email."""
    email = f"{secrets.token_hex(8)}@example.org"
    user = await rest.adapter("POST signup", {"email": email, "name": "Ada", "secret": marked.new("profile")})
    await rest.adapter("PATCH ", {"id": user["id"], "name": "Grace", "password": marked.new("password")})
    account = an_account(marked) | {"userId": user["id"]}
    for _ in range(2):
        await rest.adapter("POST link-account", account)
    kept = await rest.adapter(f"GET get-account/{account['provider']}/{account['providerAccountId']}")
    assert {name: kept[name] for name in account} == account

    expires = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    for _ in range(2):
        token = marked.new("session")
        await rest.adapter("POST create-session", {"sessionToken": token, "userId": user["id"], "expires": expires})
        assert (await rest.adapter(f"GET get-session/{token}"))["user"]["email"] == email
        await rest.adapter("POST get-session", {"sessionToken": token})
        await rest.adapter("PATCH update-session", {"sessionToken": token, "expires": expires})
    await rest.adapter(f"DELETE delete-session/{token}")
    for _ in range(2):
        mailed = {"identifier": email, "token": marked.new("verification"), "expires": expires}
        await rest.adapter("POST create-verification-token", mailed)
    await rest.adapter("PATCH use-verification-token", {"identifier": email, "token": mailed["token"]})
    return email


def an_account(marked: Secrets) -> dict[str, Any]:
    tokens = {name: marked.new(name) for name in ("access_token", "refresh_token", "id_token", "session_state")}
    extras = {"device_secret": marked.new("extra"), "deep": {"er": [marked.new("deep")]}}
    fixed = {"type": "oauth", "provider": "google", "providerAccountId": secrets.token_hex(8), "expires_at": 2**33}
    return {**fixed, **tokens, **extras}


async def use_passwords(rest: Rest, marked: Secrets) -> None:
    """Everything of sign-ins; the tokens that the server makes are secrets as well."""
    person = {"email": f"{secrets.token_hex(8)}@example.org", "password": marked.new("password")}
    for _ in range(2):
        await rest("POST /auth/register", {"name": "Ada", **person})
    for _ in range(2):
        status, signed_in = await rest("POST /auth/login", person)
        assert status == 200
        token = keep_pair(signed_in["backendTokens"], marked)
        _, pair = await rest("POST /auth/refresh", {}, authorization=f"Refresh {token}")
        newer = keep_pair(pair, marked)
        await rest(f"GET /auth/{signed_in['user']['id']}", authorization=f"Bearer {pair['accessToken']}")
    # The last sign-in ends by a second use, after its successor's; the first one stays.
    _, pair = await rest("POST /auth/refresh", {}, authorization=f"Refresh {newer}")
    newer = keep_pair(pair, marked)
    assert (await rest("POST /auth/refresh", {}, authorization=f"Refresh {token}"))[0] == 401
    assert (await rest("POST /auth/logout", {}, authorization=f"Refresh {newer}"))[0] == 200


def keep_pair(pair: dict[str, Any], marked: Secrets) -> str:
    marked.all.extend(part.encode() for part in pair["accessToken"].split(".")[1:])
    return marked.keep(pair["refreshToken"])


async def be_refused(rest: Rest, marked: Secrets, email: str) -> None:
    """Every kind of refusal, with a secret in what is refused."""
    refused: list[Awaitable[tuple[int, Any]]] = [
        rest("POST /auth/login", {"email": email, "password": marked.new("wrong")}),
        rest("POST /auth/login", {"email": email, "password": marked.new("typo"), marked.new("key"): 1}),
        rest("POST /auth/login", f'{{"email": "{email}", "password": "{marked.new("cut")}'),
        rest("POST /auth/login", {"email": email, "password": marked.new("long") * 20}),
        rest("POST /auth/login", {"email": [marked.new("list")], "password": {"a": marked.new("object")}}),
        rest("POST /auth/register", {"name": "Ada", "email": marked.new("no-email"), "password": marked.new("new")}),
        rest("POST /auth/refresh", {}, authorization=f"Refresh {marked.new('refresh')}"),
        rest("POST /auth/refresh", {}, authorization=marked.new("no-scheme")),
        rest("GET /auth", authorization=f"Bearer {marked.new('access')}"),
        rest("POST /auth/oAuthlogin", {"email": email, "provider": "google", "id_token": marked.new("id")}, **ADAPTER),
        rest("GET /adapter/1", x_auth_secret=marked.new("secret")),
        rest(f"GET /adapter/{marked.new('path')}/nowhere", **ADAPTER),
        rest(f"GET /nowhere/{marked.new('path')}?token={marked.new('query')}"),
        rest(f"PUT /adapter/get-session/{marked.new('verb')}", **ADAPTER),
        rest("POST /adapter/create-session", {"sessionToken": marked.new("session"), "userId": "1"}, **ADAPTER),
        rest("POST /adapter/create-session", {"sessionToken": marked.new("s") * 400, "expires": "-"}, **ADAPTER),
        rest("POST /adapter/link-account", {**an_account(marked), "userId": "1"}, **ADAPTER),
        rest("POST /adapter/link-account", {**an_account(marked), "expires_at": marked.new("number")}, **ADAPTER),
        rest("POST /adapter/link-account", {**an_account(marked), "access_token": [marked.new("at")]}, **ADAPTER),
    ]
    for status, _ in await asyncio.gather(*refused):
        assert 400 <= status < 500


@asynccontextmanager
async def broken_tables(sql: asyncpg.Connection) -> AsyncIterator[None]:
    """Every insert meanwhile ends in a defect, which the driver describes with the row that fails."""
    tables = ("users", "accounts", "sessions", "verification_tokens", "refresh_tokens")
    for table in tables:
        await sql.execute(f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (false) NOT VALID")
    try:
        yield
    finally:
        for table in tables:
            await sql.execute(f"ALTER TABLE {table} DROP CONSTRAINT broken")


async def meet_defects(rest: Rest, marked: Secrets, email: str) -> None:
    """A defect of ours for every secret that is stored."""
    _, user = await rest(f"GET /adapter/get-user-by-email?email={email}", **ADAPTER)
    session = {"sessionToken": marked.new("session"), "userId": user["id"], "expires": "2099-01-01T00:00:00Z"}
    mailed = {"identifier": email, "token": marked.new("verification"), "expires": "2099-01-01T00:00:00Z"}
    person = {"name": "Ada", "email": f"{secrets.token_hex(8)}@example.org", "password": marked.new("password")}
    for route, body in {
        "POST /adapter/create-session": session,
        "POST /adapter/create-verification-token": mailed,
        "POST /adapter/link-account": an_account(marked) | {"userId": user["id"]},
        "POST /auth/register": person,
    }.items():
        status, _ = await rest(route, body, **ADAPTER)
        assert status == 500, route


@pytest.mark.requirement(41, 58, 61)
@split
async def test_neither_dump_nor_log_holds_a_secret(
    rest: Rest, marked: Secrets, postgres: EmbeddedPostgres, sql: asyncpg.Connection, logged: Callable[[], bytes]
) -> None:
    marked.all.extend(await private_keys(marked.settings, sql))
    email = await use_the_adapter(rest, marked)
    await use_passwords(rest, marked)
    await be_refused(rest, marked, email)
    async with broken_tables(sql):
        await meet_defects(rest, marked, email)

    for form, (options, environment) in DUMPS.items():
        text = await dump(postgres, options, environment)
        assert email.encode() in text, form
        assert traces_of(marked.all, text) == [], form
    assert b"gatepost.v1.AdapterService/LinkAccount" in logged()
    assert traces_of(marked.all, logged()) == []
    assert traces_of(marked.all, (postgres.folder / "server.log").read_bytes()) == []


@pytest.mark.requirement(61)
@split
async def test_no_log_holds_an_email(rest: Rest, marked: Secrets, logged: Callable[[], bytes]) -> None:
    email = await use_the_adapter(rest, marked)
    await use_passwords(rest, marked)
    await be_refused(rest, marked, email)

    assert traces_of([email.encode()], logged()) == []
    assert b"@example.org" not in logged()


@pytest.mark.requirement(61)
@split
async def test_no_log_of_a_defect_holds_the_row_that_failed(
    rest: Rest, marked: Secrets, sql: asyncpg.Connection, logged: Callable[[], bytes]
) -> None:
    email = await use_the_adapter(rest, marked)

    async with broken_tables(sql):
        await meet_defects(rest, marked, email)

    assert b"@example.org" not in logged()
    assert b"$2b$" not in logged()
    assert b"Failing row" not in logged()


WAYS_TO_LEAK = {
    "text": "UPDATE users SET name = $1::text",
    "a part of a text": "UPDATE users SET name = 'Ada ' || left($1::text, 20) || '...'",
    "JSON": "UPDATE users SET profile = jsonb_build_object('about', $1::text)",
    "hex": "UPDATE users SET name = upper(encode($1::text::bytea, 'hex'))",
    "base64": "UPDATE users SET name = encode(('x' || $1::text)::bytea, 'base64')",
    "a hash's place": "UPDATE sessions SET token_hash = $1::text::bytea",
    "a seal's place": "UPDATE accounts SET sealed = ('\\x00ff'::bytea || $1::text::bytea)",
}


@pytest.mark.parametrize(
    ("way", "form"),
    [*((way, "plain") for way in WAYS_TO_LEAK), *(("a seal's place", form) for form in list(DUMPS)[1:])],
)
@split
async def test_the_search_finds_a_secret_that_is_stored(
    rest: Rest, marked: Secrets, postgres: EmbeddedPostgres, sql: asyncpg.Connection, way: str, form: str
) -> None:
    await use_the_adapter(rest, marked)
    leaked = marked.new("leaked")
    await sql.execute(WAYS_TO_LEAK[way], leaked)

    text = await dump(postgres, *DUMPS[form])

    assert traces_of(marked.all, text) == [leaked.encode()]


async def test_the_search_finds_a_secret_that_is_logged(marked: Secrets, logged: Callable[[], bytes]) -> None:
    shown, carried = marked.new("shown"), marked.new("carried")

    logging.getLogger("auth_server.storage").debug("it is %s", shown)
    logging.getLogger("http_gateway").info("it is not shown", extra={"token": base64.b64encode(carried.encode())})

    assert traces_of(marked.all, logged()) == [shown.encode(), carried.encode()]
