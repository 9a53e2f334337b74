"""How the gRPC port is reached: by TLS, over a Unix socket, or in plaintext where that is asked for."""

from __future__ import annotations

import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from auth_server.doors.certificate_files import CertificateError, CertificateFiles, Certificates
from auth_server.doors.certificate_names import names_in
from auth_server.settings.grpc import GrpcSettings

UNIX = "unix:"
PRIVATE_UMASK = 0o177


class PortTakenError(Exception):
    """The port or the socket cannot be listened on."""


class TransportError(Exception):
    """gRPC cannot be served as the settings say; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Transport:
    """Where gRPC listens, and under which credentials."""

    address: str
    """`host:port` or `unix:/path`."""
    credentials: grpc.ServerCredentials | None
    """None for plaintext."""
    asks_for_certificates: bool

    def bind(self, server: Any) -> int:
        """Takes the address for a grpc.aio.Server; the port, which says nothing of a Unix socket.

        Raises:
            PortTakenError: another process has it, the host is not ours, or the socket's folder cannot be written.
        """
        if not self.address.startswith(UNIX):
            return self._bound(server)
        _make_way_for(Path(self.address.removeprefix(UNIX)))
        before = os.umask(PRIVATE_UMASK)  # whoever may write to the socket may call
        try:
            return self._bound(server)
        finally:
            os.umask(before)

    def target(self, port: int) -> str:
        """Where a client on this machine dials; a server on all addresses, at the loopback one."""
        if self.address.startswith(UNIX):
            return self.address
        host = self.address.rpartition(":")[0]
        reached = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 (nothing listens here)
        return f"{reached}:{port}"

    def names_of(self, context: Any) -> tuple[str, ...]:
        """The DNS names, in lower case, and the URIs of the client's certificate, which gRPC has verified."""
        if not self.asks_for_certificates:
            return ()
        found = context.auth_context().get("x509_pem_cert", ())
        return names_in(found[0]) if found else ()

    def _bound(self, server: Any) -> int:
        try:
            if self.credentials is None:
                return int(server.add_insecure_port(self.address))
            return int(server.add_secure_port(self.address, self.credentials))
        except RuntimeError as error:
            raise PortTakenError from error


def transport_of(settings: GrpcSettings) -> Transport:
    """TLS where the settings name a certificate; else plaintext, over TCP only where they allow it.

    Client certificates are asked for, and required, where an authority for them is named. TLS is of version 1.2 at the
    least: gRPC speaks no older one. The files are looked at for each new connection.

    Raises:
        TransportError: the settings name half of what TLS needs, or nothing and do not allow plaintext, or the files
            cannot be used.
    """
    address = _address(settings.grpc_host, settings.grpc_port)
    files = _files_of(settings)
    if files is None:
        if not settings.grpc_insecure and not address.startswith(UNIX):
            raise TransportError(
                f"gRPC on {address} would be plaintext: give it GATEPOST_GRPC_TLS_CERTIFICATE and"
                " GATEPOST_GRPC_TLS_KEY, or a Unix socket by GATEPOST_GRPC_HOST=unix:/path, or allow plaintext by"
                " --insecure or GATEPOST_GRPC_INSECURE=true"
            )
        return Transport(address, None, asks_for_certificates=False)
    try:
        found = files.read()
    except CertificateError as error:
        raise TransportError(f"gRPC's certificates: {error}") from error
    asks = found.authority is not None

    def fetch() -> Any:  # None means that the old ones stay, which the stubs do not know
        fresh = files.changed()
        return _configuration_of(fresh) if fresh is not None else None

    credentials = grpc.dynamic_ssl_server_credentials(_configuration_of(found), fetch, asks)
    return Transport(address, credentials, asks_for_certificates=asks)


def _files_of(settings: GrpcSettings) -> CertificateFiles | None:
    certificate, key = settings.grpc_tls_certificate, settings.grpc_tls_key
    authority = settings.grpc_tls_client_ca
    if (certificate is None) != (key is None) or (certificate is None and authority is not None):
        raise TransportError(
            "GATEPOST_GRPC_TLS_CERTIFICATE and GATEPOST_GRPC_TLS_KEY belong together, and"
            " GATEPOST_GRPC_TLS_CLIENT_CA to both of them"
        )
    if certificate is None:
        return None
    return CertificateFiles(certificate=certificate, key=key, authority=authority)


def _address(host: str, port: int) -> str:
    if host.startswith(UNIX):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _configuration_of(found: Certificates) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(found.key or b"", found.chain or b"")], found.authority)


def _make_way_for(path: Path) -> None:
    """Removes the socket of a server that was killed; gRPC would remove that of a living one as well.

    Raises:
        PortTakenError: somebody listens there, or it is no socket.
    """
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise PortTakenError
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(path))
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        path.unlink()
    except OSError as error:
        raise PortTakenError from error
    else:
        raise PortTakenError
