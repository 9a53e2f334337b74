"""The examination as a whole: every check that can be made, one after the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from auth_server.settings import AuthServerSettings
from gatepost_cli.database import database_url, opened
from gatepost_cli.doctor import configuration, database, keys
from gatepost_cli.doctor.backups import backup
from gatepost_cli.doctor.findings import Finding, fail
from gatepost_cli.doctor.port import Port, client_files, knock
from gatepost_cli.doctor.settings import DoctorSettings
from gatepost_cli.refusals import RefusalError
from gatepost_cli.settings import given, read
from http_gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (nothing listens here)


async def examination(target: str | None) -> AsyncIterator[Finding]:
    """Every finding, as it is made; `target` is where gRPC is, unless the settings shall say so."""
    own = read(DoctorSettings)
    try:
        settings = read(AuthServerSettings)
        gateway = read(GatewaySettings)
    except RefusalError as error:
        yield fail("settings", error.message, "run the doctor with the environment of the servers, and put it right")
        async for finding in _database_alone():
            yield finding
        yield backup(own, _now())
        return
    for finding in configuration.configuration(settings):
        yield finding
    port = _port(settings, gateway, target)
    async for finding in knock(port):
        yield finding
    for finding in client_files(port):
        yield finding
    async for finding in _database(settings):
        yield finding
    yield backup(own, _now())


async def _database(settings: AuthServerSettings) -> AsyncIterator[Finding]:
    try:
        url = settings.database_url.get_secret_value()
        async with opened(url) as db:
            schema = await database.schema(url)
            yield schema
            if schema.todo:
                return  # the tables are not those that the checks ask
            for finding in await database.standing(db, _now, url):
                yield finding
            yield await database.audit_log(db, _now())
            for finding in await keys.signing(db, settings, _now()):
                yield finding
            for finding in await keys.rings(db, settings):
                yield finding
            for finding in await database.mails(db, _now()):
                yield finding
    except RefusalError as error:
        yield _refused(error)


async def _database_alone() -> AsyncIterator[Finding]:
    """What can be asked of the database where the settings do not say enough of the keys."""
    try:
        url = database_url()
        async with opened(url) as db:
            schema = await database.schema(url)
            yield schema
            if schema.todo:
                return
            for finding in await database.standing(db, _now, url):
                yield finding
            yield await database.audit_log(db, _now())
            for finding in await database.mails(db, _now()):
                yield finding
    except RefusalError as error:
        yield _refused(error)


def _now() -> datetime:
    return datetime.now(UTC)


def _refused(error: RefusalError) -> Finding:
    return fail("database", error.message, "put that right, and run the doctor again")


def _port(settings: AuthServerSettings, gateway: GatewaySettings, target: str | None) -> Port:
    """Where gRPC is: as the command says, else as the gateway dials it, else where the settings let it listen."""
    if target is None and given(GatewaySettings, "auth_target"):
        target = gateway.auth_target
    return Port(
        target=target or _listening_at(settings),
        is_plaintext=settings.grpc_tls_certificate is None,
        authority=gateway.auth_tls_ca,
        certificate=gateway.auth_tls_certificate,
        key=gateway.auth_tls_key,
        is_production=settings.environment == "production",
        authorities_of_clients=settings.grpc_tls_client_ca,
    )


def _listening_at(settings: AuthServerSettings) -> str:
    if settings.grpc_host.startswith("unix:"):
        return settings.grpc_host
    host = _ANY.get(settings.grpc_host, settings.grpc_host)
    return f"[{host}]:{settings.grpc_port}" if ":" in host else f"{host}:{settings.grpc_port}"
