"""The headers that every answer carries."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from multidict import CIMultiDict, CIMultiDictProxy

NO_STORE = "no-store"
CACHEABLE = "public, max-age=300"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def cacheable_for(seconds: int) -> str:
    """Cache-Control of what anybody may keep so long (RFC 9111, section 5.2.2)."""
    return f"public, max-age={seconds}"


def headers_for(content_type: str, **more: str) -> CIMultiDict[str]:
    """The headers of an answer of this type; secure by default, `more` wins (underscores become hyphens).

    Sources: OWASP ASVS 5.0, 3.4 and 14.3.2; OWASP REST security cheat sheet.
    """
    headers = CIMultiDict(
        {
            "Content-Type": content_type,
            "Cache-Control": NO_STORE,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            # Else aiohttp names itself with its version.
            "Server": "gatepost",
        }
    )
    headers.update({name.replace("_", "-"): value for name, value in more.items()})
    return headers


# Built once: an answer takes a copy, which costs less than building it anew.
JSON_HEADERS = headers_for("application/json")
CACHEABLE_JSON_HEADERS = headers_for("application/json", Cache_Control=CACHEABLE)
PROBLEM_HEADERS = headers_for("application/problem+json")


def request_id_of(headers: CIMultiDictProxy[str] | Mapping[str, str]) -> str:
    """The client's request id where it is 1 to 64 letters, digits, dots, hyphens or underscores; else a new one."""
    given = headers.get("x-request-id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return os.urandom(16).hex()
