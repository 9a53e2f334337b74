"""What `gatepost doctor` says of the gRPC port and its certificates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from auth_server.app import RunningServer, running
from auth_server.settings import AuthServerSettings
from gatepost_cli.doctor.certificates import life_of, lives_in
from gatepost_cli.doctor.findings import Finding, Level
from gatepost_cli.doctor.port import Port, knock
from tests.certificates import Authority
from tests.rpc.tls import Files

PLAIN = Port("127.0.0.1:1", True, None, None, None, is_production=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("certificates"), Authority("servers"), Authority("clients"))


@pytest.fixture(scope="module")
async def by_tls(settings: AuthServerSettings, files: Files) -> AsyncIterator[Port]:
    """The port of a server that speaks TLS, and lists what it has."""
    async with running(files.of(settings, mutual=False, reflection=True)) as server:
        target = server.grpc_target.replace("127.0.0.1", "localhost")
        yield replace(PLAIN, target=target, is_plaintext=False, authority=files.servers.write(files.folder / "ca.crt"))


async def found(port: Port) -> dict[str, Finding]:
    return {each.check: each async for each in knock(port)}


async def test_reflection_fails_in_production_and_is_warned_of_elsewhere(by_tls: Port) -> None:
    production, elsewhere = await found(by_tls), await found(replace(by_tls, is_production=False))

    assert production["TLS"].text.endswith("speaks TLSv1.3")
    assert production["certificate"].level is Level.OK
    assert production["health"].level is Level.OK
    assert production["reflection"].level is Level.FAIL
    assert elsewhere["reflection"].level is Level.WARN


async def test_a_certificate_that_clients_do_not_trust_fails_in_their_place(by_tls: Port, files: Files) -> None:
    findings = await found(replace(by_tls, authority=files.client_ca))

    assert findings["TLS"].level is Level.OK
    assert findings["health"].level is Level.FAIL
    assert "GATEPOST_AUTH_TLS_CA" in findings["health"].todo


async def test_plaintext_fails_beyond_loopback(server: RunningServer) -> None:
    here = await found(replace(PLAIN, target=server.grpc_target))
    # 127.0.0.1 by a name that is not loopback's, as another machine's would be.
    there = await found(replace(PLAIN, target=server.grpc_target.replace("127.0.0.1", "0.0.0.0")))

    assert (here["TLS"].level, here["health"].level) == (Level.WARN, Level.OK)
    assert there["TLS"].level is Level.FAIL


async def test_plaintext_where_tls_is_said_to_be_fails(server: RunningServer) -> None:
    findings = await found(replace(PLAIN, target=server.grpc_target, is_plaintext=False))

    assert findings["TLS"].level is Level.FAIL
    assert "speaks none" in findings["TLS"].text


async def test_a_port_where_nobody_listens_fails() -> None:
    findings = await found(replace(PLAIN, is_plaintext=False))

    assert "cannot be reached" in findings["TLS"].text
    assert findings["health"].level is Level.FAIL


@pytest.mark.parametrize(
    ("minutes", "level"),
    [(0, Level.OK), (30, Level.OK), (45, Level.WARN), (61, Level.FAIL), (-61, Level.FAIL)],
)
def test_a_certificate_is_judged_by_what_is_left_of_its_life(minutes: int, level: Level) -> None:
    # It began an hour ago, and ends in an hour.
    certificate = x509.load_pem_x509_certificate(Authority().issue("localhost").chain)

    assert life_of("certificate", certificate, datetime.now(UTC) + timedelta(minutes=minutes)).level is level


def test_files_of_certificates_are_all_looked_at(tmp_path: Path) -> None:
    both = tmp_path / "both.crt"
    both.write_bytes(Authority().pem + Authority().pem)
    (tmp_path / "none.crt").write_text("no certificate")
    later = datetime.now(UTC) + timedelta(days=1)

    assert [each.level for each in lives_in("authority", both, datetime.now(UTC))] == [Level.OK]
    assert [each.level for each in lives_in("authority", both, later)] == [Level.FAIL, Level.FAIL]
    assert [each.level for each in lives_in("authority", tmp_path / "none.crt", later)] == [Level.FAIL]
    assert [each.level for each in lives_in("authority", tmp_path / "missing.crt", later)] == [Level.FAIL]
