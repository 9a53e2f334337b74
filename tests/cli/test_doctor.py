"""`gatepost doctor`: what it says of a deployment as a whole, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner

from auth_server.app import RunningServer, running
from auth_server.settings import AuthServerSettings
from auth_server.storage.server_role import grant
from gatepost_cli.__main__ import gatepost
from gatepost_cli.doctor.examination import examination
from gatepost_cli.doctor.findings import Finding, Level
from tests.certificates import Authority
from tests.cli.command import run
from tests.cli.serving import COMPLETE, SECRET
from tests.rpc.tls import Files

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("certificates"), Authority("servers"), Authority("clients"))


@pytest.fixture(scope="module")
async def deployed(settings: AuthServerSettings, files: Files) -> AsyncIterator[RunningServer]:
    """A server as in production: TLS, certificates of clients, no reflection."""
    async with running(files.of(settings, mutual=True, reflection=False)) as server:
        yield server


@pytest.fixture(scope="module")
async def role(database_url: str, owner_connection: asyncpg.Connection) -> AsyncIterator[str]:
    """A role that has the rights of a server and no others."""
    await owner_connection.execute("CREATE ROLE examined LOGIN; ALTER ROLE examined SET log_error_verbosity = terse")
    await grant(database_url, "examined")
    yield "examined"
    await owner_connection.execute("DROP OWNED BY examined; DROP ROLE examined")


@pytest.fixture
def environment(
    monkeypatch: pytest.MonkeyPatch,
    settings: AuthServerSettings,
    files: Files,
    deployed: RunningServer,
    role: str,
    db: object,
    tmp_path: Path,
) -> pytest.MonkeyPatch:
    """The environment of a deployment of which there is nothing to complain."""
    certificate, key = files.clients.issue("doctor.internal").write(files.folder, "doctor")
    stamp = tmp_path / "stamp"
    stamp.touch()
    given = {
        **COMPLETE,
        "GATEPOST_DATABASE_URL": settings.database_url.get_secret_value().replace("postgres@", f"{role}@"),
        "GATEPOST_MAIL_URL": "smtps://mail.example.org",
        "GATEPOST_MAIL_FROM": "no-reply@example.org",
        "GATEPOST_LINK_BASE_URL": "https://example.org",
        "GATEPOST_AUTH_TARGET": deployed.grpc_target.replace("127.0.0.1", "localhost"),
        "GATEPOST_AUTH_TLS_CA": str(files.servers.write(files.folder / "servers.crt")),
        "GATEPOST_AUTH_TLS_CERTIFICATE": str(certificate),
        "GATEPOST_AUTH_TLS_KEY": str(key),
        "GATEPOST_GRPC_TLS_CERTIFICATE": str(files.certificate),
        "GATEPOST_GRPC_TLS_KEY": str(files.key),
        "GATEPOST_GRPC_TLS_CLIENT_CA": str(files.client_ca),
        "GATEPOST_BACKUP_STAMP": str(stamp),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GATEPOST_GRPC_INSECURE")
    return monkeypatch


async def found(target: str | None = None) -> dict[str, Finding]:
    """The findings by their checks."""
    return {each.check: each async for each in examination(target)}


def levels_of(findings: dict[str, Finding]) -> dict[str, Level]:
    return {check: finding.level for check, finding in findings.items() if finding.level is not Level.OK}


async def test_a_deployment_that_is_well_gets_nothing_but_ok(environment: pytest.MonkeyPatch) -> None:
    findings = await found()

    assert levels_of(findings) == {}, findings
    assert set(findings) == {
        "settings", "adapter secret", "bcrypt cost", "mail server", "TLS", "certificate", "client certificate",
        "authority", "authority of clients", "health", "reflection", "migrations", "clock", "database role",
        "audit rights", "audit log", "database connection", "database log", "signing keys' seal", "signing keys",
        "peppers", "sealing keys", "outbox", "dead mails", "backup",
    }  # fmt: skip


@pytest.mark.requirement(56)
@pytest.mark.parametrize("own", [True, False])
async def test_an_adapter_secret_that_is_nextauths_is_warned_of(environment: pytest.MonkeyPatch, own: bool) -> None:
    environment.setenv("NEXTAUTH_SECRET", SECRET)
    if not own:
        environment.delenv("GATEPOST_ADAPTER_SECRET")

    findings = await found()

    assert levels_of(findings) == {"adapter secret": Level.WARN}
    assert SECRET not in str(findings)


@pytest.mark.requirement(56)
async def test_a_previous_adapter_secret_is_told_of_as_long_as_it_is_accepted(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEPOST_ADAPTER_SECRET_PREVIOUS", SECRET[::-1])

    findings = await found()

    assert levels_of(findings) == {"previous adapter secret": Level.WARN}
    assert SECRET[::-1] not in str(findings)
    environment.setenv("GATEPOST_ADAPTER_SECRET_PREVIOUS", SECRET)
    assert levels_of(await found()) == {}


async def test_a_secret_of_nextauths_that_is_another_is_no_concern(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NEXTAUTH_SECRET", SECRET[::-1])

    assert levels_of(await found()) == {}


async def test_what_is_open_to_accidents_is_warned_of(environment: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GATEPOST_BCRYPT_COST": "10",
        "GATEPOST_SIGNING_ALGORITHM": "HS256",
        "GATEPOST_JWT_SECRET_KEY": SECRET[::-1],
        "GATEPOST_MAIL_INSECURE": "true",
    }.items():
        environment.setenv(name, value)

    warned = dict.fromkeys(("bcrypt cost", "HS256", "mail server"), Level.WARN)
    assert levels_of(await found()) == warned


def test_settings_that_stop_a_start_fail_and_the_rest_is_looked_at(on_database: dict[str, str], tmp_path: Path) -> None:
    ended = run("doctor", "--json", **{**on_database, "GATEPOST_PEPPERS": "1:c2hvcnQ="})

    answer = json.loads(ended.stdout)
    by_check = {each["check"]: each for each in answer["findings"]}
    assert (ended.returncode, answer["result"]) == (1, "fail")
    assert "GATEPOST_PEPPERS" in by_check["settings"]["text"]
    assert by_check["migrations"] == {"check": "migrations", "level": "ok", "text": "all are applied", "todo": ""}
    assert "c2hvcnQ" not in ended.stdout


def test_lines_say_what_to_do_and_the_exit_code_says_that_something_failed(on_database: dict[str, str]) -> None:
    ended = run("doctor", "--target", "127.0.0.1:1", **on_database)

    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    assert "fail  settings: GATEPOST_ENVIRONMENT is test, which lets weak secrets pass" in lines
    assert "      -> set it to production, or leave it out" in lines
    assert "fail  health: 127.0.0.1:1 answers no client" in lines
    assert lines[-1].endswith(" fail")


async def test_warnings_alone_leave_the_exit_code_at_zero(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("GATEPOST_BACKUP_STAMP")

    ended = await asyncio.to_thread(CliRunner().invoke, gatepost, ["doctor"])

    assert ended.exit_code == 0
    assert "warn  backup: nothing says when the last backup was" in ended.output
    assert ended.output.endswith(" ok, 1 warn, 0 fail\n")
