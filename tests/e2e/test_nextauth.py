"""NextAuth's own cores and the article's client, in Node.js, against a running Gatepost."""

from __future__ import annotations

import json

import asyncpg
import grpc
import pytest

from auth_server import app as auth_server
from auth_server.settings import AuthServerSettings
from http_gateway import app as http_gateway
from http_gateway.settings import GatewaySettings
from tests.challenges import recovery_codes_of
from tests.conftest import Clock
from tests.e2e.nextauth import passes
from tests.people import People
from tests.second_factors import turned_on

ADAPTER_SUITES = ["adapter-suite.mjs", "adapter-accounts-suite.mjs", "adapter-sessions-suite.mjs"]

pytestmark = pytest.mark.timeout(180)
in_one_form = pytest.mark.parametrize("shared_gateway_url", ["in one process"], indirect=True)


@pytest.mark.requirement(57)
async def test_the_articles_adapter_finds_what_the_cores_rely_on(node: str, gateway_url: str) -> None:
    await passes(node, ADAPTER_SUITES, gateway_url)


@pytest.mark.requirement(57)
async def test_people_sign_in_by_the_real_cores(node: str, gateway_url: str) -> None:
    await passes(node, "sign-in-suite.mjs", gateway_url)


@in_one_form
@pytest.mark.requirement(55)
async def test_the_owner_of_a_squatted_address_arrives_by_the_real_cores(node: str, gateway_url: str) -> None:
    await passes(node, "squatters-suite.mjs", gateway_url)


@in_one_form
@pytest.mark.requirement(57)
async def test_no_failure_on_the_way_becomes_a_session(node: str, gateway_url: str) -> None:
    await passes(node, "outage-suite.mjs", gateway_url)


async def test_the_articles_login_code_takes_refusals_for_refusals(node: str, gateway_url: str) -> None:
    await passes(node, "login-suite.mjs", gateway_url)


@in_one_form
async def test_people_sign_in_by_password_through_the_real_cores(node: str, gateway_url: str) -> None:
    await passes(node, "credentials-suite.mjs", gateway_url)


@in_one_form
@pytest.mark.requirement(31, 57)
async def test_the_articles_client_takes_no_first_proof_for_a_sign_in(
    node: str, gateway_url: str, people: People, sql: asyncpg.Connection, settings: AuthServerSettings, clock: Clock
) -> None:
    ann = await people.signed_in()
    app = await turned_on(sql, settings, clock, ann.id)
    await sql.execute("UPDATE users SET email_verified = now()")  # else an account would end what a squatter has
    known = {"email": ann.email, "codes": await recovery_codes_of(sql, ann.id, app)}

    await passes(node, "second-factor-suite.mjs", gateway_url, GATEPOST_PERSON=json.dumps(known))


async def test_the_articles_client_fails_closed_while_the_server_is_away(node: str) -> None:
    async with (
        grpc.aio.insecure_channel("unix:/nowhere/gatepost.sock") as channel,
        http_gateway.running(GatewaySettings(http_port=0, shutdown_seconds=1), channel) as gateway,
    ):
        await passes(node, "server-away-suite.mjs", gateway.http_url)


async def test_the_articles_login_code_takes_a_full_server_for_a_refusal(
    node: str, settings: AuthServerSettings
) -> None:
    narrow = settings.model_copy(update={"hash_pool_width": 1, "hash_pool_queue": 0, "bcrypt_cost": 10})
    async with (
        auth_server.running(narrow) as server,
        grpc.aio.insecure_channel(server.grpc_target) as channel,
        http_gateway.running(GatewaySettings(http_port=0, shutdown_seconds=1), channel) as gateway,
    ):
        await passes(node, "login-flood-suite.mjs", gateway.http_url)
