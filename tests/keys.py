"""Signing keys for tests. An RSA key takes long to make, so each of them is made once."""

from __future__ import annotations

from functools import cache

from auth_server.domain.signing_keys import Algorithm, SigningKey, make_key


@cache
def rsa_key(number: int = 0) -> SigningKey:
    """The RSA key of this number, the same in all of a run."""
    return make_key(Algorithm.RS256)
