"""Every RPC and flow is driven with secrets that are known; then none is found where secrets do not belong."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import cache
from typing import Any

import aiohttp
import asyncpg
import pytest

from auth_server.settings import AuthServerSettings
from gatepost_cli.embedded_postgres import EmbeddedPostgres
from gatepost_cli.logs import JsonLines
from tests.conftest import EMPTIED
from tests.contract.doors import DOORS
from tests.e2e.canary import EVERY_METHOD, Marked, beginnings_in, digests_of, odd_requests
from tests.e2e.canary_deployment import TalkativeServer, deployed, settings_of
from tests.e2e.canary_flows import Flows, basic
from tests.e2e.canary_passkeys import passkeys
from tests.e2e.canary_second_factors import second_factors
from tests.e2e.canary_sign_ins import sign_in_by_two_factors
from tests.e2e.programs import run
from tests.e2e.traces import traces_of
from tests.keys import private_keys
from tests.rpc.matrix import ADMITTED
from tests.rpc.provider import a_provider

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
DUMPS = {"plain": {}, "with bytea escaped": {"PGOPTIONS": "-c bytea_output=escape"}}


@pytest.fixture
def marked() -> Marked:
    return Marked()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], bytes]:
    """All that the loggers said of the test, down to DEBUG: as our lines, as other formatters' and field by field."""
    for name in ("", "auth_server", "http_gateway", "asyncpg", "aiohttp", "grpc", "mail.log", "aiosmtplib"):
        caplog.set_level(logging.DEBUG, name)
    ours, plain = JsonLines(), logging.Formatter()

    def texts() -> bytes:
        # aiosmtpd is the test's own mail server, which logs what it is sent.
        records = [each for each in caplog.get_records("call") if each.name != "mail.log"]
        # grpc says the same again and again.
        lines = {each.getMessage() if each.name.startswith("grpc._cython") else _told(each) for each in records}
        return "\n".join(lines).encode()

    def _told(record: logging.LogRecord) -> str:
        return f"{ours.format(record)} {plain.format(record)} {record.__dict__!r}"

    return texts


@pytest.fixture
async def sql(keys_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection past the server, to a database of its own."""
    connection = await asyncpg.connect(keys_url)
    await connection.execute("".join(f"DELETE FROM {name};" for name in EMPTIED))
    yield connection
    await connection.close()


@pytest.fixture
async def deployment(
    settings: AuthServerSettings, keys_url: str, marked: Marked, sql: asyncpg.Connection
) -> AsyncIterator[tuple[AuthServerSettings, Flows]]:
    mails = TalkativeServer(marked.password())
    await mails.start()
    async with a_provider() as provider:
        own = settings_of(keys_url, settings.image_store, marked, mails, provider)
        async with deployed(own, marked, mails, provider, sql) as flows:
            yield own, flows
    await mails.stop()


async def be_refused_everywhere(flows: Flows) -> None:
    """Every RPC, by credentials and requests that are not good, and hold secrets."""
    token = flows.canary.marked.token
    wrong = [
        [("authorization", f"Bearer {token('bearer')}"), ("x-auth-secret", token("adapter"))],
        [("authorization", f"Refresh {token('refresh')}"), ("x-session-token", token("session"))],
        basic("nobody", token("basic")),
    ]
    odd = token("odd")
    for rpc in EVERY_METHOD:
        if rpc not in ADMITTED or "nobody" not in ADMITTED[rpc]:
            for metadata in wrong:
                await flows.canary.fail(rpc, metadata)
        for request in odd_requests(rpc, odd):
            with suppress(AssertionError):  # some are taken: what does not exist is a good answer for some RPCs
                await flows.canary.fail(rpc, [*flows.adapter, *flows.service], request)


async def knock_at_every_door(flows: Flows) -> None:
    """Every route and page, with secrets wherever one may stand: path, query, headers, cookies, bodies, forms."""
    token = cache(flows.canary.marked.token)  # one for each place
    bodies: list[dict[str, Any]] = [
        {"data": json.dumps({"email": token("value"), "password": token("password"), "token": token("token")})},
        {"data": '{"password": "' + token("cut"), "headers": {"content-type": "application/json"}},
        {"data": {"token": token("form"), "password": token("form"), "token_type_hint": token("hint")}},
    ]
    doors = [(door.verb, re.sub(r"\{[^}]*\}", lambda _: token("path"), door.path)) for door in DOORS]
    pages = [
        (verb, path) for verb in ("GET", "POST") for path in ("/reset-password", "/verify-email", "/confirm-email")
    ]
    async with aiohttp.ClientSession(flows.http_url, cookie_jar=aiohttp.DummyCookieJar()) as http:
        for verb, path in [*doors, *pages, ("GET", "/nowhere")]:
            for body in bodies if verb != "GET" else [{}]:
                headers = {
                    "authorization": f"{token('scheme')} {token('credential')}",
                    "x-auth-secret": token("adapter"),
                    "cookie": f"authjs.session-token={token('cookie')}",
                    "user-agent": token("agent"),
                    "x-forwarded-for": token("address"),
                }
                given = {**body, "headers": {**headers, **body.get("headers", {})}}
                async with http.request(verb, path, params={"token": token("query")}, **given) as answer:
                    assert answer.status < 500, (verb, path)
                    if answer.status >= 400:
                        flows.canary.errors.append(await answer.read())


async def dump(postgres: EmbeddedPostgres, url: str, environment: dict[str, str]) -> bytes:
    said = await run(postgres.bin / "pg_dump", url, env={**os.environ, **environment})
    assert said.ok, said.errors
    return said.out.encode()


@pytest.mark.requirement(41, 58, 61)
async def test_no_secret_is_found_where_it_does_not_belong(
    deployment: tuple[AuthServerSettings, Flows],
    marked: Marked,
    postgres: EmbeddedPostgres,
    sql: asyncpg.Connection,
    logged: Callable[[], bytes],
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings, flows = deployment
    await flows.front_end()
    ann = await flows.passwords()
    await flows.own_things(ann)
    await flows.services(ann)
    await flows.operators()
    await second_factors(flows, ann)
    await passkeys(flows)
    await flows.dead_mails()
    await sign_in_by_two_factors(flows)
    await flows.what_is_left()
    canary = flows.canary
    assert canary.driven == EVERY_METHOD.keys(), "no flow drives an RPC: add it to canary_flows.py"
    await be_refused_everywhere(flows)
    await knock_at_every_door(flows)
    marked.untold += await private_keys(settings, sql)

    said = logged() + "".join(capfd.readouterr()).encode()
    errors, answers = b"\n".join(canary.errors), b"\n".join(canary.answers)
    never_hashed = digests_of([*marked.untold, *marked.sealed])
    assert b"gatepost.v1.UsersService/ExportUser" in said
    assert traces_of(marked.all, said + (postgres.folder / "server.log").read_bytes()) == []
    assert beginnings_in([*never_hashed, *digests_of(marked.hashed)], said) == []
    assert traces_of(marked.all, errors) == []
    assert traces_of(marked.untold, answers) == []
    for form, environment in DUMPS.items():
        text = await dump(postgres, settings.database_url.get_secret_value(), environment)
        assert ann.email.encode() in text, form
        assert traces_of(marked.all, text) == [], form
        assert beginnings_in(never_hashed, text) == [], form
