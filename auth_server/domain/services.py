"""Internal services: who they are, and which RPCs each may call."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
CERTIFICATE_NAME = re.compile(r"spiffe://[A-Za-z0-9._/-]{1,246}|[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9])?")
ALL_METHODS = "*"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is known; `allowed` are RPCs, as `package.Service/Method` or `package.Service/*`."""

    name: str
    allowed: frozenset[str]
    is_gateway: bool

    def may_call(self, rpc: str) -> bool:
        """Whether its list names this RPC, or all of the RPC's service."""
        return rpc in self.allowed or f"{rpc.partition('/')[0]}/{ALL_METHODS}" in self.allowed

    def may_operate(self, rpc: str) -> bool:
        """Whether its list names this RPC itself: what is for operators comes with no wildcard."""
        return rpc in self.allowed


@dataclass(frozen=True, slots=True)
class SecretNote:
    """What is known of a secret that lives."""

    number: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a new secret of a service changed."""

    number: int
    replaced: int | None
    """The number of the older secret whose place the new one took."""
    is_gateway: bool


@dataclass(frozen=True, slots=True)
class ServiceNote:
    """A service as an operator sees it."""

    name: str
    allowed: tuple[str, ...]
    certificate_names: tuple[str, ...]
    is_gateway: bool
    created_at: datetime
    disabled_at: datetime | None
    secrets: tuple[SecretNote, ...]


def basic_of(name: str, secret: str) -> str:
    """A service credential as HTTP's Basic scheme carries it (RFC 7617), without the scheme."""
    return base64.b64encode(f"{name}:{secret}".encode()).decode()


def parted_basic(encoded: str) -> tuple[str, str] | None:
    """The name and the secret of a service credential; None where it is none."""
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, secret) if colon and name and secret else None
