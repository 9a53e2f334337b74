"""Passwords: bcrypt over a keyed hash, so that every byte counts and a stolen table is of no use alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass

import bcrypt

from auth_server.domain.kept_hashes import KEPT, KeptHashes
from auth_server.domain.secrets import KeyRing

VERSION = "gp1"
BCRYPT_DIGEST_CHARACTERS = 31
LEAST_COST = 10  # OWASP Password Storage Cheat Sheet: a work factor of 10 or more


@dataclass(frozen=True, slots=True, repr=False)
class PasswordHashes:
    """Makes password hashes, `gp1$<pepper id>$<bcrypt>`, and checks them and those of other systems.

    bcrypt reads 72 bytes and stops at NUL; HMAC-SHA-384 in base64 gives it 64 bytes that depend on every byte of the
    password (OWASP Password Storage Cheat Sheet, "Pre-hashing passwords with bcrypt"). The pepper is kept outside
    of the database. Passwords are normalised to NFC (NIST SP 800-63B-4, 3.1.1.2), not trimmed, and case counts.
    """

    peppers: KeyRing
    cost: int
    kept: KeptHashes | None = None
    """Opens imported hashes; without it they match nothing."""

    def make(self, password: str) -> str:
        """A new hash; takes about 0.25 s at cost 12, so it runs in the hash pool."""
        name, pepper = self.peppers.active
        made = bcrypt.hashpw(_keyed(pepper, password), bcrypt.gensalt(self.cost))
        return f"{VERSION}${name}${made.decode()}"

    def dummy(self) -> str:
        """A hash of no password, which takes as long to check as one of the present cost."""
        name, _ = self.peppers.active
        return (
            f"{VERSION}${name}${bcrypt.gensalt(self.cost).decode()}{secrets.token_hex(16)[:BCRYPT_DIGEST_CHARACTERS]}"
        )

    def matches(self, password: str, made: str) -> bool:
        """Whether the hash is of this password; False for a hash of a pepper that is gone, and no sooner."""
        version, _, rest = made.partition("$")
        if version == KEPT and self.kept is not None:
            return self.kept.matches(password, made)
        name, _, by_bcrypt = rest.partition("$")
        pepper = self.peppers.find(name)
        if version != VERSION or pepper is None:
            self.make(password)  # takes the time that the answer about any other user takes
            return False
        return bcrypt.checkpw(_keyed(pepper, password), by_bcrypt.encode())

    def is_of_present_cost(self, made: str) -> bool:
        """Whether checking it takes what checking the dummy hash takes."""
        return made.startswith(f"{VERSION}$") and f"$$2b${self.cost:02}$" in made

    def is_old(self, made: str) -> bool:
        """Whether the hash was made with another cost or pepper than is in use now."""
        name, _ = self.peppers.active
        return not made.startswith(f"{VERSION}${name}$$2b${self.cost:02}$")


def _keyed(pepper: bytes, password: str) -> bytes:
    normal = unicodedata.normalize("NFC", password).encode("utf-8")
    return base64.b64encode(hmac.digest(pepper, normal, hashlib.sha384))
