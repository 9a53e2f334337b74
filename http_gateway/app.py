"""Puts the gateway together and runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from socket import socket

from aiohttp import web

from http_gateway.bindings import Binding
from http_gateway.channel import Channel
from http_gateway.contract import contract_services, read_bindings
from http_gateway.dev_mail.routes import dev_mail_routes
from http_gateway.docs.page import DOCS_HEADERS, docs_page
from http_gateway.gateway import Gateway
from http_gateway.headers import CACHEABLE_JSON_HEADERS
from http_gateway.http_connections import Patience
from http_gateway.http_server import HttpServer
from http_gateway.own_routes import Document, Liveness, Readiness
from http_gateway.own_url import http_url_of
from http_gateway.pages.routes import link_pages
from http_gateway.settings import GatewaySettings
from http_gateway.streamed_routes import StreamedRoute
from http_gateway.transcoder import BoundRoute
from http_gateway.uploaded_routes import UploadedRoute
from http_gateway.visits import Route


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """Where a gateway listens."""

    port: int
    http_url: str
    """Without a slash at its end."""


def make_gateway(settings: GatewaySettings, channel: Channel) -> Gateway:
    """The gateway of the generated contract, over a channel to the auth server.

    Raises:
        ValueError: the contract cannot be served safely, or a disabled route
            is none of the contract.
    """
    bindings = _enabled(read_bindings(contract_services()), settings.disabled_routes)
    openapi = (files("gatepost") / "openapi.json").read_bytes()
    routes: list[Route] = [
        *(_route_of(binding, channel, settings) for binding in bindings),
        Liveness(),
        Readiness(channel),
        Document("/openapi.json", openapi, CACHEABLE_JSON_HEADERS),
        Document("/docs", docs_page(openapi), DOCS_HEADERS),
        *(dev_mail_routes(settings.dev_mail_folder) if settings.dev_mail_folder else []),
        *link_pages(channel, settings),
    ]
    return Gateway(routes)


@asynccontextmanager
async def running(
    settings: GatewaySettings, channel: Channel, listener: socket | None = None
) -> AsyncIterator[RunningGateway]:
    """Serves the gateway until the block ends; requests in flight then get shutdown_seconds to end.

    A `listener` is bound already, to the settings' host, and takes the place of their port.

    Raises:
        ValueError: as make_gateway.
        OSError: the address cannot be listened on; a port that is taken has errno EADDRINUSE.
    """
    gateway = make_gateway(settings, channel)
    patience = Patience(settings.keep_alive_seconds, settings.head_timeout_seconds, settings.read_timeout_seconds)
    server = HttpServer(gateway.answer, patience=patience, most_connections=settings.http_connections)
    runner = web.ServerRunner(server, shutdown_timeout=settings.shutdown_seconds)
    await runner.setup()
    try:
        if listener:
            await web.SockSite(runner, listener).start()
        else:
            await web.TCPSite(runner, settings.http_host, settings.http_port).start()
        port = runner.addresses[0][1]
        with server.watching():
            yield RunningGateway(port, http_url_of(settings.http_host, port))
    finally:
        await runner.cleanup()


def _route_of(binding: Binding, channel: Channel, settings: GatewaySettings) -> Route:
    if binding.takes_file:
        return UploadedRoute(binding, channel, settings)
    return (StreamedRoute if binding.method.server_streaming else BoundRoute)(binding, channel, settings)


def _enabled(bindings: Sequence[Binding], disabled: Sequence[str]) -> list[Binding]:
    unknown = set(disabled) - {binding.route for binding in bindings}
    if unknown:
        raise ValueError(f"disabled_routes names what is no route of the contract: {', '.join(sorted(unknown))}")
    return [binding for binding in bindings if binding.route not in disabled]
