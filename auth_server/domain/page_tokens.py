"""Page tokens: where a list goes on, readable by us alone (AIP-158)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

from auth_server.domain.errors import PageTokenInvalidError
from auth_server.domain.users import User

DEFAULT_SIZE = 50
LARGEST_SIZE = 200
LARGEST_BYTES = 1_000_000  # gRPC's clients take 4 MiB
MAC_BYTES = 16


def size_of(asked: int) -> int:
    """How many rows a page holds: the default where none is asked, never more than the largest."""
    return min(asked or DEFAULT_SIZE, LARGEST_SIZE)


def shown_of(found: Sequence[User], size: int) -> Sequence[User]:
    """Those of the users that fit on a page: at most so many, and no more than a message may hold (AIP-158)."""
    weight, shown = 0, 0
    for user in found[:size]:
        weight += _weight(user)
        if shown and weight > LARGEST_BYTES:
            break
        shown += 1
    return found[:shown]


def _weight(user: User) -> int:
    texts = (user.name, user.email, user.image, *user.profile.values())
    return sum(len(text.encode()) for text in texts if isinstance(text, str))


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
