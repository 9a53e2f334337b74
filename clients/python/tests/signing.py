"""Key pairs and tokens, good and otherwise, made without the code under test."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gatepost_client.contract.keys_service_pb2 import JsonWebKey

KINDS: dict[str, tuple[Any, Any]] = {
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, jwt.algorithms.OKPAlgorithm.to_jwk),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), jwt.algorithms.ECAlgorithm.to_jwk),
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), jwt.algorithms.RSAAlgorithm.to_jwk),
}


@dataclass
class Pair:
    """A key pair, and the tokens that it signs."""

    kid: str
    algorithm: str = "EdDSA"

    @cached_property
    def private(self) -> Any:
        return KINDS[self.algorithm][0]()

    @property
    def published(self) -> JsonWebKey:
        members = json.loads(KINDS[self.algorithm][1](self.private.public_key()))
        known = {name: value for name, value in members.items() if name in JsonWebKey.DESCRIPTOR.fields_by_name}
        return JsonWebKey(use="sig", alg=self.algorithm, kid=self.kid, **known)

    def signed(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token of good claims with these changes; None leaves a claim out."""
        head = {"typ": "at+jwt", "kid": self.kid} | (header or {})
        return jwt.encode(good_claims(**changes), self.private, self.algorithm, headers=head)


def good_claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {
        "iss": "gatepost",
        "aud": "gatepost",
        "sub": str(uuid4()),
        "sid": str(uuid4()),
        "jti": secrets.token_hex(16),
        "iat": now,
        "nbf": now,
        "exp": now + 840,
        "email": "ada@example.org",
        "username": "ada@example.org",
        "name": "Ada",
        "email_verified": True,
        "role": "user",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}
