"""scrypt (RFC 7914): passlib's and Django's forms."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from auth_server.domain.imported_hashes.formats import (
    FEWEST_DIGEST_BYTES,
    MOST_DIGEST_BYTES,
    MOST_MEMORY_BYTES,
    MOST_SALT_BYTES,
    HashRefusedError,
    decoded,
    fields,
    number,
    pairs,
    salted,
)

MOST_WORK = 2**21
"""N times r times p: 0.9 s; OWASP's choice (N = 2^17, r = 8, p = 1) is half of it, Django's a third."""
MOST_BLOCK_SIZE = 32
MOST_PARALLELISM = 16
_SPARE_BYTES = 1024 * 1024  # OpenSSL counts its own blocks, too


@dataclass(frozen=True, slots=True)
class ScryptHash:
    """A scrypt hash; `cost` is N times r times p."""

    salt: bytes
    digest: bytes
    n: int
    r: int
    p: int
    format: str = "scrypt"

    @property
    def cost(self) -> int:
        """N times r times p."""
        return self.n * self.r * self.p

    def matches(self, password: bytes) -> bool:
        """Whether it is of this password."""
        return hmac.compare_digest(derived(password, self), self.digest)


def derived(password: bytes, parameters: ScryptHash) -> bytes:
    """What scrypt makes of the password, as long as the digest is."""
    return hashlib.scrypt(
        password,
        salt=parameters.salt,
        n=parameters.n,
        r=parameters.r,
        p=parameters.p,
        maxmem=MOST_MEMORY_BYTES + _SPARE_BYTES,
        dklen=len(parameters.digest),
    )


def check(parameters: ScryptHash) -> None:
    """Passes if a check costs no more than it may.

    Raises:
        HashRefusedError: it does, or N is no power of two.
    """
    n, r, p = parameters.n, parameters.r, parameters.p
    if n < 2 or n & (n - 1):
        raise HashRefusedError("its N is no power of two")
    if n >= 2 ** (16 * r):
        raise HashRefusedError("its N is too large for its r")  # RFC 7914, section 6; OpenSSL computes none
    if 128 * r * (n + p) > MOST_MEMORY_BYTES + _SPARE_BYTES // 2:
        raise HashRefusedError(f"a check takes more than {MOST_MEMORY_BYTES} bytes of memory")
    if parameters.cost > MOST_WORK:
        raise HashRefusedError(f"its N times r times p is {parameters.cost}, and must be {MOST_WORK} at the most")


def read(text: str) -> ScryptHash:
    """The hash that is spelt so.

    Raises:
        HashRefusedError: it is none, or costs too much.
    """
    if text.startswith("$"):
        _, _, costs, salt, digest = fields(text, 5)
        ln, r, p = pairs(costs, "ln", "r", "p")
        n = 2 ** number(ln, "its ln", most=20)
        salt_bytes = decoded(salt, "its salt", least=0, most=MOST_SALT_BYTES)
    else:
        _, written, salt, r, p, digest = fields(text, 6)
        n, salt_bytes = number(written, "its N", most=2**20), salted(salt)
    found = ScryptHash(
        salt_bytes,
        decoded(digest, "its digest", least=FEWEST_DIGEST_BYTES, most=MOST_DIGEST_BYTES),
        n,
        number(r, "its r", most=MOST_BLOCK_SIZE),
        number(p, "its p", most=MOST_PARALLELISM),
    )
    check(found)
    return found
