"""PBKDF2 (RFC 8018): passlib's and Django's forms, over SHA-1, SHA-256 and SHA-512."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from auth_server.domain.imported_hashes.formats import decoded, fields, number, salted

# By name: the hash function, and the most iterations, about 0.8 s of each. Django 6.0 takes 1,200,000 of SHA-256, OWASP
# 1,300,000 of SHA-1, 600,000 of SHA-256 and 210,000 of SHA-512.
_PASSLIB = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
_DJANGO = {"pbkdf2_sha1": "sha1", "pbkdf2_sha256": "sha256"}
MOST_ITERATIONS = {"sha1": 2_500_000, "sha256": 2_500_000, "sha512": 1_000_000}
_MOST_SALT_BYTES = 1024  # passlib's bound; the salt costs nothing but room


@dataclass(frozen=True, slots=True)
class Pbkdf2Hash:
    """A PBKDF2 hash of one block; `cost` is its iterations."""

    function: str
    salt: bytes
    digest: bytes
    cost: int

    @property
    def format(self) -> str:
        """PBKDF2 with its hash function."""
        return f"pbkdf2-{self.function}"

    def matches(self, password: bytes) -> bool:
        """Whether it is of this password."""
        made = hashlib.pbkdf2_hmac(self.function, password, self.salt, self.cost)
        return hmac.compare_digest(made, self.digest)


def read(text: str) -> Pbkdf2Hash:
    """The hash that is spelt so.

    Raises:
        HashRefusedError: it is none, or costs too much.
    """
    if text.startswith("$"):
        _, name, iterations, salt, digest = fields(text, 5)
        function, salt_bytes = _PASSLIB[name], decoded(salt, "its salt", least=0, most=_MOST_SALT_BYTES)
    else:
        name, iterations, salt, digest = fields(text, 4)
        function, salt_bytes = _DJANGO[name], salted(salt)
    length = hashlib.new(function).digest_size
    return Pbkdf2Hash(
        function,
        salt_bytes,
        # A longer one would cost as much for each of its blocks; neither library makes any.
        decoded(digest, "its digest", least=length, most=length),
        number(iterations, "its iterations", most=MOST_ITERATIONS[function]),
    )
