"""Ids: UUIDs of version 7, which sort by the time they were made."""

from __future__ import annotations

import os
import re
import time
from uuid import UUID

from auth_server.domain.errors import UserNotFoundError

CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562, section 5.7) for this moment."""
    return id_of(time.time_ns() // 1_000_000, os.urandom(10))


def id_of(milliseconds: int, random: bytes) -> UUID:
    """The UUID of version 7 of a time since 1970 in milliseconds, and 10 random bytes."""
    number = int.from_bytes(milliseconds.to_bytes(6, "big") + random, "big")
    version = 0x7 << 76
    variant = 0x2 << 62
    return UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | version | variant)


def find_id(text: str) -> UUID | None:
    """The id that the text spells in its usual form, or None: ids of any spelling are looked up."""
    return UUID(text) if CANONICAL.fullmatch(text) else None


def get_user_id(text: str) -> UUID:
    """The user id that the text spells.

    Raises:
        UserNotFoundError: it spells none, so nobody has it.
    """
    user_id = find_id(text)
    if user_id is None:
        raise UserNotFoundError
    return user_id
