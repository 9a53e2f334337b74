"""What every format of another system's password hashes has in common: a reader, and bounds for what a check costs."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Protocol

LONGEST_HASH = 512
"""Characters of a hash as text; the longest format, Firebase's, needs about 200."""
FEWEST_DIGEST_BYTES = 16
MOST_DIGEST_BYTES = 64
MOST_SALT_BYTES = 64
MOST_MEMORY_BYTES = 128 * 1024 * 1024
"""What one check may take: OWASP's scrypt (N = 2^17, r = 8) needs as much, Django's Argon2id 100 MiB."""

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


class HashRefusedError(Exception):
    """The text is no hash that can be checked here; says why, and never repeats the text."""


class ImportedHash(Protocol):
    """A hash that another system made of a password."""

    @property
    def format(self) -> str:
        """The name of its algorithm: hashes of one format cost what their `cost` says."""

    @property
    def cost(self) -> int:
        """How long a check takes, in the format's own unit."""

    def matches(self, password: bytes) -> bool:
        """Whether it is of this password; slow, so that it belongs into the hash pool."""


def number(text: str, what: str, *, least: int = 1, most: int) -> int:
    """The number that stands there.

    Raises:
        HashRefusedError: it is none, or out of bounds.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > 10:
        raise HashRefusedError(f"{what} is no number")
    found = int(text)
    if not least <= found <= most:
        raise HashRefusedError(f"{what} is {found}, and must be {least} to {most}")
    return found


def pairs(text: str, *names: str) -> list[str]:
    """The values of `a=1,b=2`, which must have these names in this order.

    Raises:
        HashRefusedError: it has others.
    """
    parts = [part.partition("=") for part in text.split(",")]
    if [name for name, _, _ in parts] != list(names):
        raise HashRefusedError(f"its parameters are not {', '.join(names)}")
    return [value for _, _, value in parts]


def decoded(text: str, what: str, *, least: int, most: int) -> bytes:
    """The bytes of base64, with or without padding, in the usual alphabet or in passlib's with dots.

    Raises:
        HashRefusedError: it is no base64, or of another length.
    """
    usual = text.replace(".", "+")
    if not _BASE64.fullmatch(usual):
        raise HashRefusedError(f"{what} is not base64")
    bare = usual.rstrip("=")
    try:
        found = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        raise HashRefusedError(f"{what} is not base64") from None
    if not least <= len(found) <= most:
        raise HashRefusedError(f"{what} has {len(found)} bytes, and must have {least} to {most}")
    return found


def salted(text: str) -> bytes:
    """A salt that is used as it is written.

    Raises:
        HashRefusedError: it is empty or too long.
    """
    salt = text.encode("utf-8")
    if not 1 <= len(salt) <= MOST_SALT_BYTES:
        raise HashRefusedError(f"its salt has {len(salt)} bytes, and must have 1 to {MOST_SALT_BYTES}")
    return salt


def fields(text: str, count: int) -> list[str]:
    """The parts between dollar signs.

    Raises:
        HashRefusedError: they are not so many.
    """
    parts = text.split("$")
    if len(parts) != count:
        raise HashRefusedError("it has not the parts that its format has")
    return parts
