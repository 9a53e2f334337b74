"""One-time codes of authenticator apps (TOTP, RFC 6238): SHA-1, six digits, thirty seconds, which all apps read."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

SECRET_BYTES = 20
"""RFC 4226, section 4, R6 recommends 160 bits."""
DIGITS = 6
STEP_SECONDS = 30
WINDOW = 1
"""How many steps before and after the present one are good, for clocks that differ (RFC 6238, section 5.2)."""
_CODE = re.compile(rf"[0-9]{{{DIGITS}}}")
_BETWEEN = re.compile(r"[\s-]+")


def new_secret() -> bytes:
    """A secret to share with an app."""
    return secrets.token_bytes(SECRET_BYTES)


def text_of(secret: bytes) -> str:
    """The secret as people type it into an app: base32 without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def uri_of(secret: bytes, product: str, account: str) -> str:
    """What an app reads from a QR code.

    The form is that of Google Authenticator's wiki, "Key Uri Format": a space is %20, as some apps show a plus.
    """
    parameters = {
        "secret": text_of(secret),
        "issuer": product,
        "algorithm": "SHA1",
        "digits": DIGITS,
        "period": STEP_SECONDS,
    }
    label = f"{quote(product, safe='')}:{quote(account, safe='@')}"
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"


def find_code(typed: str) -> str | None:
    """The six digits that somebody typed, with spaces or hyphens between them; None where it is something else."""
    code = _BETWEEN.sub("", typed)
    return code if _CODE.fullmatch(code) else None


def code_of(secret: bytes, step: int) -> str:
    """The code of a step."""
    return HOTP(secret, DIGITS, SHA1()).generate(step).decode()  # noqa: S303 (HMAC-SHA-1, as RFC 6238 has it)


def step_of(now: datetime) -> int:
    """The number of the step that this moment lies in."""
    return int(now.timestamp()) // STEP_SECONDS


def find_step(secret: bytes, code: str, now: datetime) -> int | None:
    """The step within the window that the code belongs to; the youngest, where it is several; else None.

    All steps are compared, whichever is right: the time tells nothing.
    """
    present, typed, found = step_of(now), code.encode(), None
    for step in range(present - WINDOW, present + WINDOW + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), typed):
            found = step
    return found
