"""bcrypt: $2a$, $2b$ and $2y$ as they are, and Django's two forms of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import bcrypt

from auth_server.domain.imported_hashes.formats import HashRefusedError, number

MOST_COST = 14
"""A second or so; the usual ones are 10 to 12."""
READ_BYTES = 72
_FORM = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
# The last character of the salt has 2 bits that count, that of the digest 4: others are of no hash.
_SALT_END = 28
_SALT_ENDS = ".Oeu"
_DJANGO = "bcrypt$"
_DJANGO_SHA256 = "bcrypt_sha256$"


@dataclass(frozen=True, slots=True)
class BcryptHash:
    """A bcrypt hash; `cost` is 2 to the power of the work factor."""

    text: bytes
    cost: int
    of_sha256: bool
    """Whether the hash is of the password's SHA-256 in hex, as Django's BCryptSHA256PasswordHasher makes it."""
    format: str = "bcrypt"

    def matches(self, password: bytes) -> bool:
        """Whether it is of this password, of which bcrypt reads 72 bytes.

        What has a NUL in it is of no such hash: the makers of these end there, and so would take what follows it for
        nothing.
        """
        if self.of_sha256:
            return bcrypt.checkpw(hashlib.sha256(password).hexdigest().encode(), self.text)
        return bcrypt.checkpw(password[:READ_BYTES], self.text) and b"\0" not in password


def read(text: str) -> BcryptHash:
    """The hash that is spelt so.

    Raises:
        HashRefusedError: it is none, or costs too much.
    """
    of_sha256 = text.startswith(_DJANGO_SHA256)
    bare = text.removeprefix(_DJANGO_SHA256).removeprefix(_DJANGO)
    found = _FORM.fullmatch(bare)
    if found is None or bare[_SALT_END] not in _SALT_ENDS:
        raise HashRefusedError("it is no bcrypt hash")
    cost = number(found[1], "its cost", least=4, most=MOST_COST)
    # The three names mean one algorithm for passwords without a NUL; bcrypt's own errors of 2a and 2x never were in 2b.
    return BcryptHash(b"$2b" + bare[3:].encode(), 2**cost, of_sha256)
