"""A person with grpcurl: what they see of the contract, and the door that they meet."""

from __future__ import annotations

import json
import shutil
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from auth_server.app import RunningServer, running
from auth_server.settings import AuthServerSettings
from tests.conftest import ADAPTER_SECRET
from tests.e2e.conftest import Needs
from tests.e2e.programs import Said, run
from tests.people import PASSWORD

SECRET = f"x-auth-secret: {ADAPTER_SECRET}"


def refusal_of(said: Said) -> dict[str, Any]:
    """The ErrorInfo of the error's details, which is the first line that holds one."""
    lines = (line for line in said.errors.splitlines() if "google.rpc.ErrorInfo" in line)
    info: dict[str, Any] = json.loads(next(lines).partition("\t")[2])
    return info


def answer_of(said: Said) -> Any:
    assert said.ok, said.errors
    return json.loads(said.out)


Grpcurl = Callable[..., Awaitable[Said]]


@pytest.fixture
def program(needs: Needs) -> str:
    found = shutil.which("grpcurl")
    needs(found is not None, "grpcurl is missing: install it so that it is on PATH, or run .ci/run")
    assert found is not None
    return found


@pytest.fixture
def grpcurl(program: str, server: RunningServer) -> Grpcurl:
    """Runs grpcurl: options, then what follows the address."""

    async def call(*arguments: str, header: str = "", body: dict[str, Any] | None = None) -> Said:
        headers = ["-H", header] if header else []
        bodies = ["-d", json.dumps(body)] if body is not None else []
        return await run(program, "-plaintext", *headers, *bodies, server.grpc_target, *arguments)

    return call


@pytest.mark.requirement(8)
async def test_every_service_is_listed(grpcurl: Grpcurl) -> None:
    said = await grpcurl("list")

    ours = {f"gatepost.v1.{name}" for name in ("AdapterService", "AuthService", "KeysService", "UsersService")} | {
        "envoy.service.auth.v3.Authorization"
    }
    assert ours | {"grpc.health.v1.Health"} <= set(said.out.split())


async def test_a_services_methods_are_listed(grpcurl: Grpcurl) -> None:
    said = await grpcurl("list", "gatepost.v1.AuthService")

    methods = ("Login", "Logout", "OAuthLogin", "RefreshTokens", "Register")
    assert {f"gatepost.v1.AuthService.{name}" for name in methods} <= set(said.out.split())


async def test_a_service_is_described_with_its_guards_and_routes(grpcurl: Grpcurl) -> None:
    said = await grpcurl("describe", "gatepost.v1.AdapterService")

    assert "rpc GetUserById ( .gatepost.v1.GetUserByIdRequest )" in said.out
    assert "option (.gatepost.v1.guard) = GUARD_ADAPTER;" in said.out
    assert 'get:"/adapter/{id}"' in said.out


async def test_a_message_is_described_with_its_rules_and_secrets(grpcurl: Grpcurl) -> None:
    said = await grpcurl("describe", "gatepost.v1.LoginRequest")

    assert "message LoginRequest {" in said.out
    assert "string password = 2 [" in said.out
    assert "(.gatepost.v1.sensitive) = true" in said.out
    assert "(.buf.validate.field) = { string:<min_len:1 max_len:320> }" in said.out


async def test_a_call_with_its_guard_is_answered(grpcurl: Grpcurl) -> None:
    user = {"user": {"email": "ada@example.org", "name": "Ada"}}
    made = await grpcurl("gatepost.v1.AdapterService/CreateUser", header=SECRET, body=user)

    found = await grpcurl("gatepost.v1.AdapterService/GetUserByEmail", header=SECRET, body={"email": "ADA@example.org"})

    assert answer_of(found) == answer_of(made)
    assert answer_of(found)["user"]["email"] == "ada@example.org"


@pytest.mark.requirement(9)
@pytest.mark.parametrize(
    ("method", "header", "reason"),
    [
        ("AdapterService/GetUserById", "", "CREDENTIAL_MISSING"),
        ("AdapterService/GetUserById", "x-auth-secret: wrong", "ADAPTER_SECRET_INVALID"),
        ("AdapterService/GetUserById", f"authorization: Bearer {ADAPTER_SECRET}", "CREDENTIAL_MISSING"),
        ("AuthService/OAuthLogin", "", "CREDENTIAL_MISSING"),
        ("AuthService/RefreshTokens", "", "CREDENTIAL_MISSING"),
        ("AuthService/RefreshTokens", "authorization: Refresh 00", "REFRESH_TOKEN_INVALID"),
        ("UsersService/GetUser", "", "CREDENTIAL_MISSING"),
        ("UsersService/GetUser", "authorization: Bearer e30.e30.e30", "ACCESS_TOKEN_INVALID"),
        ("UsersService/ListUsers", SECRET, "CREDENTIAL_MISSING"),
    ],
)
async def test_a_call_without_its_guard_is_refused_for_a_reason(
    grpcurl: Grpcurl, method: str, header: str, reason: str
) -> None:
    said = await grpcurl(f"gatepost.v1.{method}", header=header)

    assert "Code: Unauthenticated" in said.errors
    assert (refusal_of(said)["domain"], refusal_of(said)["reason"]) == ("gatepost", reason)
    assert said.out == ""


async def test_a_field_at_fault_is_named(grpcurl: Grpcurl) -> None:
    body = {"name": "", "email": "no address", "password": "a long way to Tipperary"}

    said = await grpcurl("gatepost.v1.AuthService/Register", body=body)

    assert "Code: InvalidArgument" in said.errors
    assert refusal_of(said)["reason"] == "REQUEST_INVALID"
    assert '"field":"email"' in said.errors
    assert '"field":"name"' in said.errors


async def test_a_person_registers_logs_in_and_refreshes(grpcurl: Grpcurl) -> None:
    person = {"email": "ada@example.org", "password": PASSWORD}
    registered = await grpcurl("gatepost.v1.AuthService/Register", body={"name": "Ada", **person})
    signed_in = await grpcurl("gatepost.v1.AuthService/Login", body=person)
    first = answer_of(signed_in)["backend_tokens"]

    refreshed = await grpcurl(
        "gatepost.v1.AuthService/RefreshTokens", header=f"authorization: Refresh {first['refresh_token']}"
    )

    second = answer_of(refreshed)["backend_tokens"]
    own = await grpcurl(
        "gatepost.v1.UsersService/GetUser",
        header=f"authorization: Bearer {second['access_token']}",
        body={"id": answer_of(signed_in)["user"]["id"]},
    )
    assert answer_of(registered)["user"]["email"] == answer_of(own)["user"]["email"] == "ada@example.org"
    assert second["refresh_token"] != first["refresh_token"]


async def test_keys_are_read_by_anyone(grpcurl: Grpcurl) -> None:
    said = await grpcurl("gatepost.v1.KeysService/GetJsonWebKeySet")

    assert {key["alg"] for key in answer_of(said)["keys"]} == {"EdDSA"}


@pytest.mark.requirement(8)
@pytest.mark.parametrize("service", ["", "gatepost.v1.AuthService"])
async def test_health_is_checked(grpcurl: Grpcurl, service: str) -> None:
    said = await grpcurl("grpc.health.v1.Health/Check", body={"service": service})

    assert answer_of(said) == {"status": "SERVING"}


@pytest.mark.requirement(8)
async def test_with_reflection_off_nothing_is_listed(program: str, settings: AuthServerSettings) -> None:
    async with running(settings.model_copy(update={"reflection": False})) as server:
        said = await run(program, "-plaintext", server.grpc_target, "list")

    assert not said.ok
    assert "server does not support the reflection API" in said.errors
    assert "gatepost" not in said.out + said.errors


async def test_buf_curl_lists_and_calls_as_well(server: RunningServer, needs: Needs) -> None:
    buf = shutil.which("buf")
    needs(buf is not None, "buf is missing: run scripts/test, which installs it")
    curl = [str(buf), "curl", "--protocol", "grpc", "--http2-prior-knowledge"]

    services = await run(*curl, "--list-services", f"http://{server.grpc_target}")
    refused = await run(*curl, "-d", "{}", f"http://{server.grpc_target}/gatepost.v1.AdapterService/GetUserById")

    assert "gatepost.v1.AdapterService" in services.out.split()
    assert json.loads(refused.errors)["code"] == "unauthenticated"
