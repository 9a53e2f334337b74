"""The auth server and the gateway as processes: together or apart, until a signal asks for the end."""

# Everything of the servers is imported where it is used: a gateway of its own loads neither the database's driver nor
# the code that holds secrets, and `gatepost --help` loads none of it.
# ruff: noqa: PLC0415

from __future__ import annotations

import importlib
import logging
import os
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from gatepost_cli.logs import log_to_screen
from gatepost_cli.open_files import make_room
from gatepost_cli.refusals import RefusalError
from gatepost_cli.settings import find_name_given, read
from gatepost_cli.stop_signals import StoppedError, StopSignals, until_signalled_again, until_stopped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from socket import socket
    from typing import Any

    from auth_server.app import RunningServer
    from auth_server.settings import AuthServerSettings
    from http_gateway.app import RunningGateway
    from http_gateway.channel import Channel
    from http_gateway.settings import GatewaySettings

_log = logging.getLogger(__name__)

# gRPC's core writes lines of its own to standard error; what goes wrong is said by us.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def load_servers() -> None:
    """Imports what both servers need."""
    for name in ("auth_server.app", "http_gateway.app"):
        importlib.import_module(name)


@asynccontextmanager
async def both_running(
    auth: AuthServerSettings, gateway: GatewaySettings, listener: socket | None = None
) -> AsyncIterator[tuple[RunningServer, RunningGateway]]:
    """Both in this process, the gateway on the server's in-process channel, and on the listener if one is given.

    Raises:
        RefusalError: one of them cannot start.
    """
    make_room(_connections_of(auth) + gateway.http_connections)
    async with AsyncExitStack() as stack:
        server = await _start_auth(stack, auth)
        yield server, await _start_gateway(stack, gateway, server.channel, listener)
        await _drain(server, auth.drain_seconds)  # before the gateway closes


def serve_all(*, insecure: bool = False) -> None:
    """Runs both by the environment's settings until a signal comes; `insecure` allows plaintext gRPC."""
    from http_gateway.settings import GatewaySettings

    async def work(auth: AuthServerSettings, gateway: GatewaySettings) -> None:
        async with both_running(auth, gateway) as (server, running_gateway):
            await _until_stopped(http_url=running_gateway.http_url, grpc_target=server.grpc_target)

    _serve(work(_auth_settings(insecure), read(GatewaySettings)))


def serve_auth(*, insecure: bool = False) -> None:
    """Runs the auth server by the environment's settings until a signal comes; `insecure` allows plaintext gRPC."""

    async def work(settings: AuthServerSettings) -> None:
        make_room(_connections_of(settings))
        async with AsyncExitStack() as stack:
            server = await _start_auth(stack, settings)
            await _until_stopped(grpc_target=server.grpc_target)
            await _drain(server, settings.drain_seconds)

    _serve(work(_auth_settings(insecure)))


def serve_gateway() -> None:
    """Runs the gateway by the environment's settings until a signal comes."""
    from gatepost_cli.auth_channel import dialled
    from http_gateway.settings import GatewaySettings

    async def work(settings: GatewaySettings) -> None:
        make_room(settings.http_connections)
        async with AsyncExitStack() as stack:
            channel = await stack.enter_async_context(dialled(settings))
            gateway = await _start_gateway(stack, settings, channel)
            await _until_stopped(http_url=gateway.http_url)

    _serve(work(read(GatewaySettings)))


def _connections_of(settings: AuthServerSettings) -> int:
    return settings.grpc_connections + settings.database_pool_size


def _kept_here() -> dict[str, Any]:
    """Where images are kept unless a setting says otherwise; nowhere if this user has no place for data."""
    from gatepost_cli.installation import IMAGES
    from gatepost_cli.settings import CommandSettings

    try:
        folder = read(CommandSettings).data_dir
    except RuntimeError:  # of a user without a home, as in many containers
        return {}
    return {"image_store": (folder.expanduser().absolute() / IMAGES).as_uri()}


def _auth_settings(insecure: bool) -> AuthServerSettings:
    from auth_server.settings import AuthServerSettings

    return read(AuthServerSettings, _kept_here(), **({"grpc_insecure": True} if insecure else {}))


def _serve(work: Coroutine[Any, Any, None]) -> None:
    log_to_screen()
    try:
        with StopSignals() as signals:
            signals.run(work)
    except StoppedError:
        return  # asked for before all was up


async def _until_stopped(**where: str) -> None:
    _log.info("serving", extra=where)
    await until_stopped()
    _log.info("draining")


async def _drain(server: RunningServer, seconds: float) -> None:
    """Says that the server is not ready, and leaves balancers so long to look elsewhere."""
    await server.drain()
    await until_signalled_again(seconds)


async def _start_auth(stack: AsyncExitStack, settings: AuthServerSettings) -> RunningServer:
    from auth_server.app import StartError, running
    from auth_server.settings import AuthServerSettings

    if find_name_given(AuthServerSettings, "adapter_secret") == "NEXTAUTH_SECRET":
        _log.warning("the adapter secret is NEXTAUTH_SECRET; set GATEPOST_ADAPTER_SECRET to one of its own")
    try:
        return await stack.enter_async_context(running(settings))
    except StartError as error:
        raise RefusalError(str(error)) from error


async def _start_gateway(
    stack: AsyncExitStack, settings: GatewaySettings, channel: Channel, listener: socket | None = None
) -> RunningGateway:
    from http_gateway.app import running

    try:
        return await stack.enter_async_context(running(settings, channel, listener))
    except OSError as error:
        address = f"{settings.http_host}:{settings.http_port}"
        raise RefusalError(
            f"cannot listen on {address} for HTTP: is it in use? choose another GATEPOST_HTTP_PORT"
        ) from error
    except ValueError as error:
        raise RefusalError(str(error)) from error
