"""What a client proves itself with, and how its connection is secured."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import grpc

Metadatum = tuple[str, str]


class Credential(Protocol):
    """Something that goes with every call."""

    def metadatum(self) -> Metadatum:
        """The key and value that the server reads it from."""


@dataclass(frozen=True, slots=True)
class ServiceCredential:
    """An internal service's name and secret, as `gatepost services add` gives them (RFC 7617)."""

    name: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.name or ":" in self.name or not self.secret:
            raise ValueError("a service credential is a name without a colon, and a secret")

    @classmethod
    def of(cls, text: str) -> ServiceCredential:
        """The credential that is written `name:secret`.

        Raises:
            ValueError: one of them is missing.
        """
        name, _, secret = text.strip().partition(":")
        return cls(name, secret)

    def metadatum(self) -> Metadatum:
        """`authorization: Basic …`."""
        both = f"{self.name}:{self.secret}".encode()
        return "authorization", f"Basic {base64.b64encode(both).decode()}"


@dataclass(frozen=True, slots=True)
class AdapterSecret:
    """The secret of the front end's server."""

    secret: str = field(repr=False)

    def metadatum(self) -> Metadatum:
        """`x-auth-secret: …`."""
        return "x-auth-secret", self.secret


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS to the server; with a certificate of the client's own it is mTLS."""

    authorities: bytes | None = None
    """Certificates, PEM, that the server's must descend from; gRPC's own list where it is None."""
    certificate: bytes | None = None
    """The client's certificate and those that it descends from, PEM."""
    private_key: bytes | None = field(default=None, repr=False)
    """The key of the client's certificate, PEM."""
    server_name: str = ""
    """The name in the server's certificate, where it is not the target's."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("a client's certificate and its private key go together")

    @classmethod
    def from_files(
        cls,
        authorities: str | Path | None = None,
        *,
        certificate: str | Path | None = None,
        private_key: str | Path | None = None,
        server_name: str = "",
    ) -> Tls:
        """The same, read from files.

        Raises:
            OSError: a file cannot be read.
        """
        return cls(_bytes_of(authorities), _bytes_of(certificate), _bytes_of(private_key), server_name)

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """The same, as gRPC takes it."""
        return grpc.ssl_channel_credentials(self.authorities, self.private_key, self.certificate)


def _bytes_of(path: str | Path | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
