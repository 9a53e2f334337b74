"""The token of a NextAuth session, where a browser's cookies hold one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

# Auth.js's name and NextAuth v4's. A Secure cookie comes first: a neighbour without TLS cannot have planted it.
COOKIES = (
    "__Secure-authjs.session-token",
    "__Secure-next-auth.session-token",
    "authjs.session-token",
    "next-auth.session-token",
)
_TOKEN = re.compile(r"[\x21-\x7e]+")


def find_session_token(cookie_headers: Iterable[str]) -> str | None:
    """The token of the first of the cookies that is there; None where none is, or where it is there twice.

    A cookie in chunks (`.0`, `.1`) holds a JWT session, which no database knows.
    """
    pairs = [pair.partition("=") for header in cookie_headers for pair in header.split(";")]
    for cookie in COOKIES:
        values = [value for name, _, value in pairs if name.strip(" \t") == cookie]
        if values:
            return _token_of(values[0]) if len(values) == 1 else None
    return None


def _token_of(value: str) -> str | None:
    """The token as the front end wrote it, which encodes what a cookie cannot carry (encodeURIComponent)."""
    token = unquote(value.strip(' \t"'))
    return token if _TOKEN.fullmatch(token) else None
