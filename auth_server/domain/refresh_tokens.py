"""Refresh tokens: how long they live, and when a use is answered a second time."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth_server.domain.access_tokens import AccessToken
from auth_server.domain.users import User

LONGEST_WINDOW = timedelta(hours=1)
"""No server answers a use again after this time, whatever its settings."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """The tokens of a sign-in, as its caller gets them."""

    access_token: AccessToken
    refresh_token: str


@dataclass(frozen=True, slots=True)
class RefreshLives:
    """How long a sign-in lasts: `idle` without a refresh, `absolute` in any case (OWASP ASVS 5.0, 7.3)."""

    idle: timedelta
    absolute: timedelta

    def expiry_of(self, made: datetime, family_ends: datetime) -> datetime:
        """When a refresh token ends that is made now: never after its family."""
        return min(made + self.idle, family_ends)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to a token's use, sealed, and the hash of the request id that came with that use."""

    sealed: bytes
    request_id_hash: bytes | None


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A refresh token that somebody presents, with its sign-in and its owner."""

    family_id: UUID
    generation: int
    expires: datetime
    used_at: datetime | None
    answer: KeptAnswer | None
    """What its use was answered with; None before that, and again once that answer's own token is used."""
    family_expires: datetime
    family_ended: bool
    methods: tuple[str, ...]
    """How the sign-in was proven (RFC 8176)."""
    lacks_second_factor: bool
    """Whether the user has a second factor that was never proven for this sign-in."""
    owner: User
    owner_disabled: bool

    def is_good(self, now: datetime) -> bool:
        """Whether it may be used up."""
        fresh = self.used_at is None and self.expires > now
        return fresh and self.family_lives(now) and not self.owner_disabled and not self.lacks_second_factor

    def family_lives(self, now: datetime) -> bool:
        """Whether the sign-in goes on."""
        return not self.family_ended and self.family_expires > now


@dataclass(frozen=True, slots=True)
class ReplayWindows:
    """How long the use of a token is answered again: to anybody who has it, and to a retry of the same request.

    Zero switches the one or the other off.
    """

    replay: timedelta
    retry: timedelta

    def are_open(self, request_id_hash: bytes | None) -> bool:
        """Whether a use with this request id may ever be answered again."""
        return bool(self.replay or (self.retry and request_id_hash))

    def admit(self, age: timedelta, kept: KeptAnswer, request_id_hash: bytes | None) -> bool:
        """Whether a use of this age is answered again, as it was.

        An age may be below zero: the clocks of two servers differ.
        """
        same = (
            kept.request_id_hash is not None
            and request_id_hash is not None
            and hmac.compare_digest(kept.request_id_hash, request_id_hash)
        )
        return _within(age, self.replay) or (same and _within(age, self.retry))


def hash_of_request_id(request_id: UUID) -> bytes:
    """The SHA-256 of a request id, which is all that we keep of it."""
    return hashlib.sha256(request_id.bytes).digest()


def _within(age: timedelta, window: timedelta) -> bool:
    return bool(window) and age < window
