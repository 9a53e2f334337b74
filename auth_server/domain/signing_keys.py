"""The keys of access tokens, by algorithm: how they are made, packed, published and recognised."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError

RSA_BITS = 3072  # 128 bits of security (NIST SP 800-57 part 1, table 2)
RSA_EXPONENT = 65537

Jwk = Mapping[str, str]


class Algorithm(StrEnum):
    """What signs access tokens, by its name in RFC 7518 and RFC 8037."""

    EDDSA = "EdDSA"
    ES256 = "ES256"
    RS256 = "RS256"
    HS256 = "HS256"
    """By a secret that its verifiers share: they can sign too. Only where an operator asks for it."""


# Members of a public key in the order of RFC 7638, section 3.2: `kty` and `crv` are fixed, the others differ.
_MEMBERS = {
    Algorithm.EDDSA: ("crv", "kty", "x"),
    Algorithm.ES256: ("crv", "kty", "x", "y"),
    Algorithm.RS256: ("e", "kty", "n"),
}
_FIXED = {
    Algorithm.EDDSA: {"kty": "OKP", "crv": "Ed25519"},
    Algorithm.ES256: {"kty": "EC", "crv": "P-256"},
    Algorithm.RS256: {"kty": "RSA"},
}
_SIGNERS = get_default_algorithms()


class KeyBrokenError(Exception):
    """A stored key cannot be read, or is not what its row says."""


@dataclass(frozen=True, slots=True, repr=False)
class VerifyingKey:
    """What verifies tokens of one key id, by that key's own algorithm alone (RFC 8725, 3.1)."""

    kid: str
    algorithm: Algorithm
    material: Any
    """As PyJWT takes it."""
    jwk: Jwk | None
    """The members that are published (RFC 7517); None of a shared secret."""


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """What signs tokens, and its key id: the RFC 7638 thumbprint of the public half."""

    kid: str
    algorithm: Algorithm
    material: Any
    """As PyJWT takes it."""
    verifying: VerifyingKey


def make_key(algorithm: Algorithm) -> SigningKey:
    """A new key pair, whose id begins with no hyphen: it is typed into commands. An RSA key takes about half a second.

    Raises:
        ValueError: the algorithm has a shared secret instead.
    """
    while (key := _any_key(algorithm)).kid.startswith("-"):
        pass
    return key


def shared_key(secret: str) -> SigningKey:
    """The HS256 key of a secret that our verifiers share; its id tells nothing of it."""
    material = secret.encode()
    digest = hmac.digest(material, b"gatepost key id", hashlib.sha256)
    kid = f"hs256-{digest[:8].hex()}"
    return SigningKey(kid, Algorithm.HS256, material, VerifyingKey(kid, Algorithm.HS256, material, None))


def packed(key: SigningKey) -> bytes:
    """The private half as bytes, to be sealed: raw for Ed25519 (RFC 8032), PKCS #8 for the others."""
    if key.algorithm is Algorithm.EDDSA:
        return bytes(key.material.private_bytes_raw())
    encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return bytes(key.material.private_bytes(encoding, form, serialization.NoEncryption()))


def unpacked(kid: str, algorithm: Algorithm, private: bytes) -> SigningKey:
    """The key that was packed.

    Raises:
        KeyBrokenError: the bytes are no such key, or one of another id.
    """
    try:
        if algorithm is Algorithm.EDDSA:
            key = _key_of(algorithm, Ed25519PrivateKey.from_private_bytes(private))
        else:
            key = _key_of(algorithm, serialization.load_der_private_key(private, None))
    except (ValueError, TypeError, AttributeError, PyJWTError) as error:
        raise KeyBrokenError(f"the private half of the key {kid} cannot be read") from error
    if key.kid != kid:
        raise KeyBrokenError(f"the private half of the key {kid} is of another key")
    return key


def published_key(kid: str, algorithm: Algorithm, jwk: Mapping[str, Any]) -> VerifyingKey:
    """The key that verifies, of its public members.

    Raises:
        KeyBrokenError: the members are not those of such a key, or of another id.
    """
    try:
        members = {name: str(jwk[name]) for name in _MEMBERS[algorithm]}
        if _FIXED[algorithm].items() <= members.items() and _thumbprint(members) == kid:
            return VerifyingKey(kid, algorithm, _SIGNERS[algorithm.value].from_jwk(members), members)
    except (KeyError, ValueError, PyJWTError) as error:
        raise KeyBrokenError(f"the public half of the key {kid} cannot be read") from error
    raise KeyBrokenError(f"the public half of the key {kid} is of another key")


def _any_key(algorithm: Algorithm) -> SigningKey:
    if algorithm is Algorithm.EDDSA:
        return _key_of(algorithm, Ed25519PrivateKey.generate())
    if algorithm is Algorithm.ES256:
        return _key_of(algorithm, ec.generate_private_key(ec.SECP256R1()))
    if algorithm is Algorithm.RS256:
        return _key_of(algorithm, rsa.generate_private_key(RSA_EXPONENT, RSA_BITS))
    raise ValueError("HS256 has no key pair")


def _key_of(algorithm: Algorithm, private: Any) -> SigningKey:
    written: dict[str, Any] = dict(_SIGNERS[algorithm.value].to_jwk(private.public_key(), as_dict=True))
    members = {name: str(written[name]) for name in _MEMBERS[algorithm]}
    verifying = VerifyingKey(_thumbprint(members), algorithm, private.public_key(), members)
    return SigningKey(verifying.kid, algorithm, private, verifying)


def _thumbprint(members: Jwk) -> str:
    """RFC 7638: the SHA-256 of the required members, in order of their names."""
    digest = hashlib.sha256(json.dumps(dict(members), sort_keys=True, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
