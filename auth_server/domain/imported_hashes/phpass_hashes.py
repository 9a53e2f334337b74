"""phpass's portable hashes: $P$, and phpBB's $H$ (openwall.com/phpass)."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from dataclasses import dataclass

from auth_server.domain.imported_hashes.formats import HashRefusedError

_DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORM = re.compile(r"\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{22})")
LEAST_LOG2, MOST_LOG2 = 7, 19
"""Of MD5: 0.3 s at the most, 1.5 s of the longest password; WordPress takes 13, phpBB 11, passlib 19."""
_BREATH = 512
"""Rounds between two breaths, about 0.3 ms."""


@dataclass(frozen=True, slots=True)
class PhpassHash:
    """A portable hash; `cost` is its rounds of MD5."""

    salt: bytes
    digest: str
    cost: int
    format: str = "phpass"

    def matches(self, password: bytes) -> bool:
        """Whether it is of this password."""
        made = hashlib.md5(self.salt + password, usedforsecurity=False).digest()
        for done in range(0, self.cost, _BREATH):
            for _ in range(min(_BREATH, self.cost - done)):
                made = hashlib.md5(made + password, usedforsecurity=False).digest()
            time.sleep(0)  # these rounds are Python's: without it they would keep the event loop for 5 ms at a time
        return hmac.compare_digest(_encoded(made), self.digest)


def read(text: str) -> PhpassHash:
    """The hash that is spelt so.

    Raises:
        HashRefusedError: it is none, or costs too much.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise HashRefusedError("it is no portable hash of phpass")
    log2 = _DIGITS.index(found[1])
    if not LEAST_LOG2 <= log2 <= MOST_LOG2:
        raise HashRefusedError(f"its rounds are 2^{log2}, and must be 2^{LEAST_LOG2} to 2^{MOST_LOG2}")
    return PhpassHash(found[2].encode(), found[3], 2**log2)


def _encoded(digest: bytes) -> str:
    """The base64 of crypt, the low bits first."""
    made = ""
    for at in range(0, len(digest), 3):
        part = digest[at : at + 3]
        value = int.from_bytes(part, "little")
        made += "".join(_DIGITS[value >> 6 * place & 63] for place in range(len(part) + 1))
    return made
