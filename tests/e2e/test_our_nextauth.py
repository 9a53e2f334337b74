"""Our package for NextAuth and Auth.js with their real cores, in Node.js, against a running Gatepost."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from auth_server.app import RunningServer
from auth_server.settings import AuthServerSettings
from http_gateway.app import running
from http_gateway.settings import GatewaySettings
from tests.challenges import recovery_codes_of
from tests.conftest import Clock
from tests.e2e.conftest import Needs
from tests.e2e.nextauth import SUITES, built, passes
from tests.people import People
from tests.resets import Resets
from tests.second_factors import turned_on
from tests.throttled import SMALL

# Slow: the article's client has the same cores in test_nextauth.py.
pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]
in_one_form = pytest.mark.parametrize("shared_gateway_url", ["in one process"], indirect=True)


@pytest.fixture(scope="module")
async def package(node: str, our_compiler: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The entry of the package, compiled."""
    entry: Path = await built(node, tmp_path_factory.mktemp("gatepost-nextauth"))
    return str(entry)


WithSecondFactor = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def with_second_factor(
    people: People, sql: asyncpg.Connection, settings: AuthServerSettings, clock: Clock
) -> WithSecondFactor:
    """Makes somebody with a second factor and a verified address: their address, and their recovery codes."""

    async def make() -> dict[str, Any]:
        person = await people.signed_in()
        app = await turned_on(sql, settings, clock, person.id)
        await sql.execute("UPDATE users SET email_verified = now() WHERE id::text = $1", person.id)
        return {"email": person.email, "codes": await recovery_codes_of(sql, person.id, app)}

    return make


@in_one_form
@pytest.mark.requirement(57)
async def test_the_cores_find_what_they_rely_on(node: str, package: str, gateway_url: str) -> None:
    suites = ["adapter-suite.mjs", "adapter-accounts-suite.mjs", "adapter-sessions-suite.mjs", "sign-in-suite.mjs"]
    await passes(node, suites, gateway_url, GATEPOST_NEXTAUTH=package)


@in_one_form
@pytest.mark.requirement(57)
async def test_no_path_leads_astray_and_no_fault_is_a_miss(node: str, package: str, gateway_url: str) -> None:
    await passes(node, "nextauth-adapter-suite.mjs", gateway_url, GATEPOST_NEXTAUTH=package)


@in_one_form
@pytest.mark.requirement(57)
async def test_no_failure_on_the_way_becomes_a_session(node: str, package: str, gateway_url: str) -> None:
    await passes(node, "outage-suite.mjs", gateway_url, GATEPOST_NEXTAUTH=package)


@in_one_form
@pytest.mark.requirement(57)
async def test_people_log_in_by_password(node: str, package: str, gateway_url: str) -> None:
    await passes(node, "nextauth-login-suite.mjs", gateway_url, GATEPOST_NEXTAUTH=package)


@pytest.mark.requirement(14)
@pytest.mark.requirement(28)
async def test_strangers_keep_no_known_browser_out(
    node: str, package: str, throttled: tuple[RunningServer, RunningServer], people: People, resets: Resets
) -> None:
    forgetful = [(email, await resets.token(email)) for email in [await people.registered() for _ in range(2)]]
    believing = GatewaySettings(http_port=0, shutdown_seconds=1, trusted_proxies=[IPv4Network("127.0.0.1/32")])
    async with running(believing, throttled[0].channel) as gateway:
        environment = {
            "GATEPOST_NEXTAUTH": package,
            "GATEPOST_TRIES": str(SMALL["login.account"]),
            "GATEPOST_FORGETFUL": json.dumps(forgetful),
        }
        await passes(node, "nextauth-strangers-suite.mjs", gateway.http_url, **environment)


@in_one_form
@pytest.mark.requirement(38)
@pytest.mark.requirement(57)
async def test_access_tokens_are_refreshed_while_a_sign_in_lasts(node: str, package: str, gateway_url: str) -> None:
    await passes(node, "nextauth-tokens-suite.mjs", gateway_url, GATEPOST_NEXTAUTH=package)


@in_one_form
@pytest.mark.requirement(32)
@pytest.mark.requirement(57)
async def test_passkeys_sign_people_in_by_the_real_core(
    node: str, package: str, gateway_url: str, needs: Needs, with_second_factor: WithSecondFactor
) -> None:
    needs(
        (SUITES / "node_modules" / "@simplewebauthn").is_dir(),
        "WebAuthn is missing: run npm ci --prefix tests/e2e/node",
    )
    environment = {"GATEPOST_NEXTAUTH": package, "GATEPOST_PERSON": json.dumps(await with_second_factor())}
    await passes(node, "nextauth-passkeys-suite.mjs", gateway_url, **environment)


@in_one_form
@pytest.mark.requirement(57)
async def test_sign_ins_with_providers_bring_tokens(node: str, package: str, gateway_url: str) -> None:
    await passes(node, "nextauth-providers-suite.mjs", gateway_url, GATEPOST_NEXTAUTH=package)


@in_one_form
@pytest.mark.requirement(31)
async def test_nobody_gets_past_a_second_factor_by_the_real_cores(
    node: str, package: str, gateway_url: str, with_second_factor: WithSecondFactor
) -> None:
    people = [await with_second_factor() for _ in range(2)]
    environment = {"GATEPOST_NEXTAUTH": package, "GATEPOST_PEOPLE": json.dumps(people)}
    await passes(node, "nextauth-second-factor-suite.mjs", gateway_url, **environment)
