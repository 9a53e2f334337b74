"""The token of a NextAuth session, where a request's cookies hold one.

The gateway reads cookies by code of its own, since the two share nothing but
the contract; one table, in tests/session_cookies.py, holds both to the same.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

# Auth.js's name and NextAuth v4's. A Secure cookie comes first: a neighbour without TLS cannot have planted it.
COOKIES = (
    "__Secure-authjs.session-token",
    "__Secure-next-auth.session-token",
    "authjs.session-token",
    "next-auth.session-token",
)
_TOKEN = re.compile(r"[\x21-\x7e]+")


def session_token_of(cookies: str) -> str:
    """The token of the first of the cookies that is there; empty where none is, or where it is there twice.

    A cookie in chunks (`.0`, `.1`) holds a JWT session, which no database knows.
    """
    pairs = [pair.partition("=") for pair in cookies.split(";")]
    for cookie in COOKIES:
        values = [value for name, _, value in pairs if name.strip(" \t") == cookie]
        if values:
            return _token_of(values[0]) if len(values) == 1 else ""
    return ""


def _token_of(value: str) -> str:
    """The token as the front end wrote it, which encodes what a cookie cannot carry (encodeURIComponent)."""
    token = unquote(value.strip(' \t"'))
    return token if _TOKEN.fullmatch(token) else ""
