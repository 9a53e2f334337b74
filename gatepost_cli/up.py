"""Gatepost for development: everything in one process, with a database and secrets of its own."""

from __future__ import annotations

import os
import shlex
import socket
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import click

from auth_server.settings import AuthServerSettings
from auth_server.settings.passkeys import LOCALHOST
from gatepost_cli.database import migrate
from gatepost_cli.embedded_postgres import EmbeddedPostgres
from gatepost_cli.installation import Installation, Run
from gatepost_cli.logs import log_to_file, warnings_on_screen
from gatepost_cli.processes import both_running, load_servers
from gatepost_cli.refusals import RefusalError
from gatepost_cli.settings import CommandSettings, given, read, without_password
from gatepost_cli.stop_signals import StoppedError, StopSignals, until_stopped
from http_gateway.loopback import is_loopback
from http_gateway.own_url import http_url_of
from http_gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WELCOME = """\
Gatepost is up.

  HTTP      {http_url}  (API page: {http_url}/docs)
  gRPC      {grpc_target}  ({transport}, with reflection)
  database  {database}
  data      {folder}
  log       {log_path}
{mails}
Register somebody, and find them again:

  curl {http_url}/auth/register -H 'content-type: application/json' -d '{person}'
  grpcurl -plaintext -H {header} -d '{question}' {grpc_target} {rpc}

Ctrl-C ends it; the data stays.\
"""
_HTTP, _NEXT = 80, 3000
"""The port that browsers leave out of an origin, and the one that Next.js takes in development."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PERSON = '{"name": "Ada", "email": "ada@example.com", "password": "a long way to Tipperary"}'
_QUESTION = '{"email": "ada@example.com"}'
_SENDER = "Gatepost <gatepost@localhost>"
_RPC = "gatepost.v1.AdapterService/GetUserByEmail"


def up(*, data_dir: Path | None, http_port: int | None, grpc_port: int | None) -> None:
    """Runs Gatepost until a signal comes; what is None comes from the environment.

    Raises:
        RefusalError: it cannot run; the message says why and what to do.
    """
    folder = read(CommandSettings, **_decided(data_dir=data_dir)).data_dir
    try:
        with StopSignals() as signals, ExitStack() as stack:
            with _writable(folder):
                installation = Installation(folder)
                stack.enter_context(installation.occupied())
                log_to_file(installation.log_path)
                with _loading_servers():
                    postgres = _postgres(installation, stack)
                gateway = gateway_settings(installation, "development", http_port)
                http_url, listener = stack.enter_context(_address_of(gateway))
                auth = auth_settings(installation, postgres, grpc_port, http_url)
            signals.run(_serve(installation, postgres, auth, gateway, listener))
    except StoppedError:
        pass  # asked for before all was up
    with suppress(OSError):  # the terminal may be gone
        click.echo("\nGatepost has stopped.")


@contextmanager
def _loading_servers() -> Iterator[None]:
    """Loads the servers' code while the database starts, which is a fifth of a second less to wait."""
    loading = Thread(target=load_servers, daemon=True)
    loading.start()
    yield
    loading.join()


def _postgres(installation: Installation, stack: ExitStack) -> EmbeddedPostgres | None:
    if given(AuthServerSettings, "database_url"):
        return None
    return stack.enter_context(EmbeddedPostgres(installation.postgres_folder))


def auth_settings(
    installation: Installation, postgres: EmbeddedPostgres | None, grpc_port: int | None, http_url: str
) -> AuthServerSettings:
    """The auth server's settings; its mails are kept in the installation, and their links lead to the gateway.

    Raises:
        RefusalError: a setting is missing or wrong.
    """
    own: dict[str, Any] = {"environment": "development", "reflection": True, "drain_seconds": 0}
    own |= installation.secrets()
    own |= {"public_url": http_url, "mail_from": _SENDER, "image_store": installation.image_folder.as_uri()}
    if not given(AuthServerSettings, "passkey_rp_id") and not given(AuthServerSettings, "passkey_origins"):
        own |= {"passkey_rp_id": LOCALHOST, "passkey_origins": _local_origins(http_url)}
    if _keeps_mails():
        own["mail_url"] = f"folder:{quote(str(installation.mail_folder))}"
    if postgres:
        own["database_url"] = postgres.dsn
    settings = read(AuthServerSettings, own, **_decided(grpc_port=grpc_port))
    if not given(AuthServerSettings, "grpc_insecure"):
        settings.grpc_insecure = settings.grpc_host in _LOOPBACK  # from outside nobody reads it there
    return settings


def _local_origins(http_url: str) -> str:
    """Where passkeys can be tried on this machine: at the gateway itself, and at a front end in development."""
    port = urlsplit(http_url).port
    gateway = f"http://{LOCALHOST}" if port == _HTTP else f"http://{LOCALHOST}:{port}"
    return f"{gateway},http://{LOCALHOST}:{_NEXT}"


def gateway_settings(installation: Installation, environment: str, http_port: int | None) -> GatewaySettings:
    """The gateway's settings; it shows the installation's mails where nobody else can look.

    Raises:
        RefusalError: a setting is wrong.
    """
    settings = read(GatewaySettings, {"environment": environment}, **_decided(http_port=http_port))
    if settings.dev_mail_folder is None and _keeps_mails() and is_loopback(settings.http_host):
        settings.dev_mail_folder = installation.mail_folder
    return settings


def _keeps_mails() -> bool:
    """Whether mails stay in the installation's folder: nobody said where else they go, and it is no production."""
    return not given(AuthServerSettings, "mail_url") and os.environ.get("GATEPOST_ENVIRONMENT") != "production"


@contextmanager
def _address_of(gateway: GatewaySettings) -> Iterator[tuple[str, socket.socket | None]]:
    """Where the gateway will be, which the links in mails must know before; a free port is taken at once."""
    if gateway.http_port:
        yield http_url_of(gateway.http_host, gateway.http_port), None
        return
    try:
        family, kind, _, _, address = socket.getaddrinfo(gateway.http_host, 0, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind)
        taken.bind(address)
    except OSError as error:
        raise RefusalError(
            f"cannot listen on {gateway.http_host} for HTTP; choose another GATEPOST_HTTP_HOST"
        ) from error
    with taken:
        yield http_url_of(gateway.http_host, taken.getsockname()[1]), taken


async def _serve(
    installation: Installation,
    postgres: EmbeddedPostgres | None,
    auth: AuthServerSettings,
    gateway: GatewaySettings,
    listener: socket.socket | None,
) -> None:
    url = auth.database_url.get_secret_value()
    pids = {"gatepost": os.getpid(), **({"postgres": postgres.pid} if postgres else {})}
    with ExitStack() as starting:
        starting.enter_context(warnings_on_screen())
        await migrate(url)
        async with both_running(auth, gateway, listener) as (server, running_gateway):
            starting.close()
            secret = auth.adapter_secret.get_secret_value()
            run = Run(running_gateway.http_url, server.grpc_target, secret, url, pids)
            installation.note(run)
            transport = "TLS" if auth.grpc_tls_certificate else "plaintext"
            shows_mails = gateway.dev_mail_folder is not None
            click.echo(_welcome(installation, postgres, run, transport=transport, shows_mails=shows_mails))
            await until_stopped()


def _welcome(
    installation: Installation, postgres: EmbeddedPostgres | None, run: Run, *, transport: str, shows_mails: bool
) -> str:
    own = f"PostgreSQL {postgres.version}, of its own" if postgres else without_password(run.database_url)
    return _WELCOME.format(
        http_url=run.http_url,
        grpc_target=run.grpc_target,
        transport=transport,
        database=own,
        folder=installation.folder,
        log_path=installation.log_path,
        mails=f"  mails     {run.http_url}/dev/mail  (instead of being sent)\n" if shows_mails else "",
        header=shlex.quote(f"x-auth-secret: {run.adapter_secret}"),
        person=_PERSON,
        question=_QUESTION,
        rpc=_RPC,
    )


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RefusalError(
            f"the data folder {folder} cannot be used ({error.filename or 'a file'}: {error.strerror}); choose another"
            " with --data-dir or GATEPOST_DATA_DIR"
        ) from error


def _decided(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
