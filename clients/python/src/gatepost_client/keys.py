"""Public keys as Gatepost publishes them, each for its own algorithm alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.algorithms import Algorithm

from gatepost_client.contract.keys_service_pb2 import JsonWebKey

# No algorithm with a shared secret: whoever could verify could sign too.
_KINDS: Mapping[str, tuple[str, str]] = {"EdDSA": ("OKP", "Ed25519"), "ES256": ("EC", "P-256"), "RS256": ("RSA", "")}


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A key that verifies signatures of one algorithm."""

    key_id: str
    algorithm: str
    _judge: Algorithm
    _key: Any

    def is_good(self, signed: bytes, signature: bytes) -> bool:
        """Whether the signature over these bytes is this key's."""
        return self._judge.verify(signed, self._key, signature)


def verifying_keys(published: Iterable[JsonWebKey]) -> dict[str, VerifyingKey]:
    """The keys that verify access tokens, by id; those of a kind that we do not know are left out."""
    return {key.key_id: key for key in map(_find_key, published) if key is not None}


def _find_key(published: JsonWebKey) -> VerifyingKey | None:
    members = {field.name: value for field, value in published.ListFields()}
    if published.use not in {"", "sig"} or not published.kid:
        return None
    if _KINDS.get(published.alg) != (published.kty, published.crv):
        return None
    try:
        key = jwt.PyJWK(members, published.alg)
    except (jwt.PyJWTError, ValueError):
        return None
    # RSA of less than 2048 bits does not count as a key (RFC 7518, section 3.3).
    if key.Algorithm.check_key_length(key.key):
        return None
    return VerifyingKey(published.kid, published.alg, key.Algorithm, key.key)
