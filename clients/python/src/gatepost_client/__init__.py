"""Gatepost for Python services: a typed client, a verifier of access tokens, and guards."""

from gatepost_client.claims import Claims
from gatepost_client.client import GatepostClient
from gatepost_client.credentials import AdapterSecret, ServiceCredential, Tls
from gatepost_client.errors import (
    AccessTokenInvalidError,
    FieldViolation,
    GatepostError,
    NotGuardedError,
    RoleMissingError,
    VerifierUnavailableError,
)
from gatepost_client.guards import AsgiGuard, GrpcGuard, caller, require_role
from gatepost_client.verifier import AccessTokenVerifier

__all__ = [
    "AccessTokenInvalidError",
    "AccessTokenVerifier",
    "AdapterSecret",
    "AsgiGuard",
    "Claims",
    "FieldViolation",
    "GatepostClient",
    "GatepostError",
    "GrpcGuard",
    "NotGuardedError",
    "RoleMissingError",
    "ServiceCredential",
    "Tls",
    "VerifierUnavailableError",
    "caller",
    "require_role",
]
