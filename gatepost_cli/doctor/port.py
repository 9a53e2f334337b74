"""What somebody finds who knocks at the gRPC port: TLS, a certificate, health, and no list of what there is."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from gatepost_cli.doctor.certificates import life_of, lives_in
from gatepost_cli.doctor.findings import Finding, fail, ok, warn
from http_gateway.loopback import is_loopback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

PATIENCE_SECONDS = 5.0
_UNIX = "unix:"
_TRUST = (
    "GATEPOST_AUTH_TLS_CA names who signed its certificate for this name, GATEPOST_AUTH_TLS_CERTIFICATE and _KEY a"
    " client's where it asks for one"
)


@dataclass(frozen=True, slots=True)
class Port:
    """Where gRPC is served, and with what a client gets in."""

    target: str
    """`host:port` or `unix:/path`."""
    is_plaintext: bool
    """Whether the settings say that it speaks plaintext."""
    authority: Path | None
    """Who must have signed the server's certificate; None for those that the system trusts."""
    certificate: Path | None
    """The client's own certificate, where the server asks for one."""
    key: Path | None
    is_production: bool
    authorities_of_clients: Path | None = None

    @property
    def host(self) -> str:
        """The host alone."""
        return self.target.rpartition(":")[0].strip("[]")


async def knock(port: Port) -> AsyncIterator[Finding]:
    """What is found at the port."""
    if port.target.startswith(_UNIX):
        yield ok("TLS", f"gRPC is on a Unix socket, {port.target}")
    elif port.is_plaintext:
        yield _plaintext(port)
    else:
        async for finding in _tls(port):
            yield finding
    try:
        credentials = None if port.is_plaintext or port.target.startswith(_UNIX) else _credentials(port)
    except OSError as error:
        yield fail("client certificate", f"{error.filename} cannot be read: {error.strerror}", "put the file back")
        return
    async with _channel(port.target, credentials) as channel:
        health = await _health(channel, port)
        yield health
        if not health.todo:
            yield await _reflection(channel, port)


def _plaintext(port: Port) -> Finding:
    if is_loopback(port.host):
        return warn(
            "TLS",
            f"gRPC on {port.target} is plaintext: any user of this machine's network namespace listens",
            "put it on a Unix socket by GATEPOST_GRPC_HOST=unix:/path, or give it a certificate",
        )
    return fail(
        "TLS",
        f"gRPC on {port.target} is plaintext: whoever listens has every password",
        "set GATEPOST_GRPC_TLS_CERTIFICATE and GATEPOST_GRPC_TLS_KEY, and take --insecure out",
    )


async def _tls(port: Port) -> AsyncIterator[Finding]:
    try:
        version, served = await _handshake(port)
    except ssl.SSLError as error:
        yield fail(
            "TLS", f"{port.target} speaks none ({error.reason})", "see how the server at this address was started"
        )
        return
    except (OSError, TimeoutError) as error:
        cause = getattr(error, "strerror", None) or "no answer"
        yield fail("TLS", f"{port.target} cannot be reached: {cause}", "see that a server runs and listens there")
        return
    yield ok("TLS", f"gRPC on {port.target} speaks {version}")
    yield life_of("certificate", x509.load_der_x509_certificate(served), datetime.now(UTC))


def client_files(port: Port) -> Iterator[Finding]:
    """How long the certificates beside the server's own are good."""
    files = {
        "client certificate": port.certificate,
        "authority": port.authority,
        "authority of clients": port.authorities_of_clients,
    }
    for check, path in files.items():
        if path is not None:
            yield from lives_in(check, path, datetime.now(UTC))


async def _handshake(port: Port) -> tuple[str, bytes]:
    """The version of TLS and the certificate that are offered, whoever signed it: a client's trust is judged apart.

    Raises:
        OSError, TimeoutError: nobody answers by TLS.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])  # without it, gRPC hangs up
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, writer = await asyncio.open_connection(
            port.host, int(port.target.rpartition(":")[2]), ssl=context, server_hostname=port.host
        )
    connection = writer.get_extra_info("ssl_object")
    found = str(connection.version()), bytes(connection.getpeercert(binary_form=True))
    writer.close()
    with suppress(OSError):  # one that wants a certificate of ours ends it by an alert
        await writer.wait_closed()
    return found


def _credentials(port: Port) -> grpc.ChannelCredentials:
    """As a gateway dials.

    Raises:
        OSError: a file cannot be read.
    """
    files = (port.authority, port.key, port.certificate)
    return grpc.ssl_channel_credentials(*(path.read_bytes() if path else None for path in files))


def _channel(target: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    options = (("grpc.use_local_subchannel_pool", 1),)  # no connection that stands from before
    if credentials is None:
        return grpc.aio.insecure_channel(target, options)
    return grpc.aio.secure_channel(target, credentials, options)


async def _health(channel: grpc.aio.Channel, port: Port) -> Finding:
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS
        )
    except grpc.aio.AioRpcError:
        dials = "" if port.is_plaintext else f", and that {_TRUST}"
        return fail("health", f"{port.target} answers no client", f"see that a server runs there{dials}")
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        return fail("health", "the server says that it does not serve", "see its log: it drains, or has no database")
    return ok("health", "the server serves")


async def _reflection(channel: grpc.aio.Channel, port: Port) -> Finding:
    ask = reflection_pb2.ServerReflectionRequest(list_services="")
    call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([ask]), timeout=PATIENCE_SECONDS)
    try:
        async for _ in call:
            break
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return ok("reflection", "off: nobody is told what there is")
        return warn("reflection", f"it cannot be told whether it is on ({error.code().name})", "try again")
    found = "on: anybody who reaches the port is told every RPC"
    return (fail if port.is_production else warn)("reflection", found, "take GATEPOST_REFLECTION out of the settings")
