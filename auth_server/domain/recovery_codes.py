"""Recovery codes: what a user signs in with once each who has lost the authenticator app."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

COUNT = 10
CHARACTERS = 10
GROUP = 5
# Crockford's base32: no letter that is taken for another, or for a digit. 10 characters are 50 bits, where OWASP ASVS
# 5.0, 6.5.4 asks for 20.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE = re.compile(rf"[{ALPHABET}]{{{CHARACTERS}}}")
_BETWEEN = re.compile(r"[\s-]+")
_AS_MEANT = str.maketrans("OIL", "011")


def new_codes() -> tuple[str, ...]:
    """A set of codes, as their user is shown them: `xxxxx-xxxxx`."""
    return tuple(_new_code() for _ in range(COUNT))


def find_code(typed: str) -> str | None:
    """The code that somebody typed, in whatever case, with or without hyphens; None where it is something else."""
    if not typed.isascii():  # others may become an ASCII letter in upper case
        return None
    code = _BETWEEN.sub("", typed).upper().translate(_AS_MEANT)
    return code if _CODE.fullmatch(code) else None


def hash_of(code: str, secret: bytes) -> bytes:
    """What is kept of a code: its HMAC-SHA-256 under a key that comes of the user's TOTP secret.

    50 bits are soon tried by who has a plain hash. The secret has 160, and is sealed under a key that no dump of the
    database holds; it is sealed anew when that key changes, and the hashes stay.
    """
    key = hmac.digest(secret, b"gatepost recovery codes", hashlib.sha256)
    return hmac.digest(key, code.replace("-", "").encode(), hashlib.sha256)


def _new_code() -> str:
    characters = "".join(secrets.choice(ALPHABET) for _ in range(CHARACTERS))
    return f"{characters[:GROUP]}-{characters[GROUP:]}"
