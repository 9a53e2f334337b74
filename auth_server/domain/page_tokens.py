"""Page tokens: where a list goes on, readable by us alone (AIP-158)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from uuid import UUID

from auth_server.domain.errors import PageTokenInvalidError

DEFAULT_SIZE = 50
LARGEST_SIZE = 200
MAC_BYTES = 16


def size_of(asked: int) -> int:
    """How many rows a page holds: the default where none is asked, never more than the largest."""
    return min(asked or DEFAULT_SIZE, LARGEST_SIZE)


def token_after(last: UUID, search: str, key: bytes) -> str:
    """The token of the page that follows this row of this search."""
    return base64.urlsafe_b64encode(last.bytes + _mac(last.bytes, search, key)).rstrip(b"=").decode()


def row_before(token: str, search: str, key: bytes) -> UUID:
    """The row that the page follows.

    Raises:
        PageTokenInvalidError: not ours, or of another search.
    """
    try:
        given = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise PageTokenInvalidError from None
    last, mac = given[:16], given[16:]
    if not hmac.compare_digest(mac, _mac(last, search, key)):
        raise PageTokenInvalidError
    return UUID(bytes=last)


def _mac(last: bytes, search: str, key: bytes) -> bytes:
    return hmac.digest(key, last + search.encode(), hashlib.sha256)[:MAC_BYTES]
