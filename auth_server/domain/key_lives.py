"""The life of a signing key, and when it goes on: next, active, retired, removed; or revoked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from auth_server.domain.access_tokens import LEEWAY, LONGEST_LIFE
from auth_server.domain.signing_keys import Algorithm

RELOAD_EVERY = timedelta(seconds=1)
"""How old the keys that a server has loaded may be."""
CLOCK_SKEW = timedelta(seconds=5)
"""How far the clocks of servers may be apart."""
KEPT_FOR = LONGEST_LIFE + LEEWAY + RELOAD_EVERY + CLOCK_SKEW
"""How long a retired key stays published: a server signs with it until it reloads, and that token lives its life."""


class KeyState(StrEnum):
    """Where in its life a key is; once removed, it is in no table any more."""

    NEXT = "next"
    """Published, and signs nothing yet."""
    ACTIVE = "active"
    """Signs, since it became so."""
    RETIRED = "retired"
    """Signs no more, still published; its private half is gone."""
    REVOKED = "revoked"
    """Its tokens are refused, it is not published; its private half is gone."""


@dataclass(frozen=True, slots=True)
class KeyLife:
    """A key's life so far."""

    kid: str
    algorithm: Algorithm
    state: KeyState
    created: datetime
    ready: datetime
    """Whoever caches the published keys has seen this one from then on."""
    activated: datetime | None = None
    retired: datetime | None = None
    revoked: datetime | None = None
    rotation_asked: datetime | None = None
    """When an operator asked that the next key takes over."""


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """How keys follow one another."""

    algorithm: Algorithm
    interval: timedelta
    """How long a key signs; zero: until an operator asks."""
    cache: timedelta
    """How long others keep the published keys."""

    @property
    def publication(self) -> timedelta:
        """How long a key is published before it signs."""
        return self.cache + RELOAD_EVERY + CLOCK_SKEW

    def rotates_at(self, lives: Iterable[KeyLife]) -> datetime | None:
        """When the next key takes over, at the earliest; None where there is no plan for it.

        Never before the next key is ready. A key of another algorithm than the plan's gives way as soon as it can.
        """
        by_state = {life.state: life for life in lives}
        active, following = by_state.get(KeyState.ACTIVE), by_state.get(KeyState.NEXT)
        if active is None or following is None or self.algorithm is Algorithm.HS256:
            return None
        if active.rotation_asked or self.outdates(active):
            return following.ready
        if not self.interval:
            return None
        return max(following.ready, (active.activated or active.created) + self.interval)

    def outdates(self, life: KeyLife) -> bool:
        """Whether the key is of another algorithm than those to come. HS256 makes no keys, so it outdates none."""
        return self.algorithm not in (Algorithm.HS256, life.algorithm)


def removed_at(life: KeyLife) -> datetime | None:
    """When a retired or revoked key is removed: no token that it signed lives any more."""
    ended = {KeyState.RETIRED: life.retired, KeyState.REVOKED: life.revoked}.get(life.state)
    return ended + KEPT_FOR if ended else None
