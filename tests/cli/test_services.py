"""`gatepost services`: credentials for internal services, made, shown once, changed and ended."""

from __future__ import annotations

import re

import asyncpg
import grpc
import pytest

from auth_server.app import RunningServer
from auth_server.settings import AuthServerSettings
from gatepost.v1 import options_pb2, users_service_pb2
from gatepost_cli.allow_lists import allow_list_of
from gatepost_cli.refusals import RefusalError
from http_gateway.contract import contract_services
from tests.audit import done_by_command, refusing_events
from tests.cli.command import refusal_of, run
from tests.contract.built import a_service, some_options
from tests.people import People, refused
from tests.rpc.matrix import ADMITTED, SERVICE

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def on(settings: AuthServerSettings, db: object) -> dict[str, str]:
    """The one setting that the commands need."""
    return {"GATEPOST_DATABASE_URL": settings.database_url.get_secret_value()}


def said(*arguments: str, **settings: str) -> str:
    """What the command prints when it succeeds."""
    ended = run("services", *arguments, **settings)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def shown(text: str, what: str) -> str:
    """The value that the command shows under this word."""
    found = re.search(rf"^  {what} +(.+)$", text, re.MULTILINE)
    assert found, text
    return found[1]


async def listed(people: People, text: str) -> None:
    """Calls ListUsers with the metadata that the command has printed."""
    name, _, value = shown(text, "metadata").partition(": ")
    await people.users.ListUsers(users_service_pb2.ListUsersRequest(), metadata=[(name, value)])


@pytest.mark.requirement(2)
async def test_a_secret_that_was_added_opens_as_it_is_printed(on: dict[str, str], people: People) -> None:
    added = said("add", "billing", "--allow", "UsersService/ListUsers", **on)

    await listed(people, added)
    assert re.fullmatch(r"[0-9a-f]{64}", shown(added, "secret"))
    assert shown(added, "env") == f"GATEPOST_SERVICE_CREDENTIAL=billing:{shown(added, 'secret')}"


@pytest.mark.requirement(2)
async def test_two_secrets_work_until_a_third_is_made(on: dict[str, str], people: People) -> None:
    first = said("add", "billing", "--allow", "UsersService/ListUsers", **on)
    second = said("rotate", "billing", **on)
    await listed(people, first)
    await listed(people, second)
    third = said("rotate", "billing", **on)

    assert "What is older still works" in second
    assert "Secret 1, the oldest, is gone" in third
    assert "secrets       2 (of" in said("list", **on)
    await listed(people, third)


@pytest.mark.requirement(2)
async def test_what_is_revoked_opens_no_more(on: dict[str, str], people: People, server: RunningServer) -> None:
    first = said("add", "billing", "--allow", "UsersService/ListUsers", **on)
    second = said("rotate", "billing", **on)

    said("revoke", "billing", "--secret", "1", **on)
    with refused("SERVICE_CREDENTIAL_INVALID", grpc.StatusCode.UNAUTHENTICATED):
        await listed(people, first)
    await listed(people, second)

    said("revoke", "billing", **on)
    text = said("list", **on)
    assert shown(text, "secrets").startswith("revoked 20")


@pytest.mark.requirement(61)
async def test_whatever_is_done_to_a_service_is_audited(on: dict[str, str], sql: asyncpg.Connection) -> None:
    said("add", "billing", "--allow", "UsersService/ListUsers", **on)
    for arguments in (("rotate",), ("rotate",), ("revoke", "--secret", "3"), ("revoke",)):
        said(arguments[0], "billing", *arguments[1:], **on)
    refusal_of("services", "revoke", "billing", **on)
    refusal_of("services", "add", "billing", "--gateway", **on)

    assert await done_by_command(sql) == [
        ("service-added", "service:billing"),
        ("service-secret-added", "service:billing/2"),
        ("service-secret-added", "service:billing/3"),
        ("service-secret-revoked", "service:billing/1"),
        ("service-secret-revoked", "service:billing/3"),
        ("service-revoked", "service:billing"),
    ]


@pytest.mark.requirement(61)
async def test_what_cannot_be_audited_is_not_done_to_a_service(on: dict[str, str], sql: asyncpg.Connection) -> None:
    said("add", "billing", "--allow", "UsersService/ListUsers", **on)
    before = said("list", **on)

    async with refusing_events(sql):
        for arguments in (("add", "edge", "--gateway"), ("rotate", "billing"), ("revoke", "billing")):
            assert "the database" in refusal_of("services", *arguments, **on)
        assert "the database" in refusal_of("services", "revoke", "billing", "--secret", "1", **on)

    assert said("list", **on) == before


def test_what_is_listed_shows_no_secret(on: dict[str, str]) -> None:
    added = said("add", "edge", "--gateway", "--certificate-name", "spiffe://example.org/edge", **on)

    text = said("list", **on)

    assert text.startswith("edge (gateway)\n")
    assert shown(text, "certificates") == "spiffe://example.org/edge"
    assert shown(text, "may call") == "nothing"
    assert shown(added, "secret") not in text
    assert shown(added, "metadata").startswith("x-gateway-credential: Basic ")
    assert shown(added, "env").startswith("GATEPOST_AUTH_GATEWAY_CREDENTIAL=edge:")


def test_where_there_is_nothing_the_commands_say_so(on: dict[str, str]) -> None:
    assert said("list", **on) == "There are no services.\n"
    assert "there is no service billing" in refusal_of("services", "rotate", "billing", **on)
    assert "there is no service billing" in refusal_of("services", "revoke", "billing", **on)
    assert "no living secret 1" in refusal_of("services", "revoke", "billing", "--secret", "1", **on)


def test_names_are_taken_once(on: dict[str, str]) -> None:
    said("add", "billing", "--gateway", "--certificate-name", "billing.internal", **on)

    assert "choose another name" in refusal_of("services", "add", "billing", "--gateway", **on)
    again = ("services", "add", "other", "--gateway", "--certificate-name", "billing.internal")
    assert "belongs to another service" in refusal_of(*again, **on)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Billing", "--gateway"), "Billing is no service's name"),
        (("a:b", "--gateway"), "a:b is no service's name"),
        (("billing",), "could call nothing"),
        (("billing", "--gateway", "--certificate-name", "*.internal"), "no name in a certificate"),
        (("billing", "--allow", "UserService/ListUser"), "names no RPC; near to it: UsersService/ListUsers"),
    ],
)
def test_what_cannot_be_meant_is_refused(on: dict[str, str], arguments: tuple[str, ...], words: str) -> None:
    assert words in refusal_of("services", "add", *arguments, **on)


@pytest.mark.requirement(2)
def test_an_allow_list_takes_the_rpcs_that_let_services_in_and_no_others() -> None:
    for rpc, admitted in ADMITTED.items():
        if SERVICE in admitted and "nobody" not in admitted:
            for pattern in (rpc, f"gatepost.v1.{rpc}", f"/gatepost.v1.{rpc}"):
                assert allow_list_of([pattern], contract_services()) == {f"gatepost.v1.{rpc}"}
        else:
            with pytest.raises(RefusalError, match="no allow-list"):
                allow_list_of([rpc], contract_services())


@pytest.mark.parametrize("pattern", ["Authorization/Check", "envoy.service.auth.v3.Authorization/*"])
def test_an_allow_list_takes_envoys_question(on: dict[str, str], pattern: str) -> None:
    added = said("add", "envoy", "--allow", pattern, **on)

    assert "envoy.service.auth.v3.Authorization/" in added + said("list", **on)


@pytest.mark.parametrize(
    "pattern", ["*", "*/*", "UsersService", "UsersService/", "/ListUsers", "ListUsers", "Users*/ListUsers", "", "é/*"]
)
def test_a_pattern_that_names_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(RefusalError, match="names no RPC"):
        allow_list_of([pattern], contract_services())


def test_a_wildcard_is_for_what_services_are_for() -> None:
    service = a_service({"Do": some_options(options_pb2.GUARD_SERVICE)})

    assert allow_list_of(["Service/*"], [service]) == {"built.Service/*"}
    with pytest.raises(RefusalError, match="UsersService/GetUser, UsersService/ListUsers, UsersService/DeleteUser"):
        allow_list_of(["UsersService/*"], contract_services())
