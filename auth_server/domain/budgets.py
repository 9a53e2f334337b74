"""Budgets: how many guesses and calls there are for an account, an address block and for all, and how they come back.

Each share is a token bucket, kept as the moment at which it is whole again (the generic cell rate algorithm, ITU-T
I.371): so many at once, and as many again in the course of an hour.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from auth_server.domain.secrets import identity_of

PERIOD = timedelta(hours=1)
"""In which a share that is spent becomes whole again."""
MOST_FAILURES = 100
"""NIST SP 800-63B-4, 3.2.2: consecutive wrong guesses at an account's password or code; then no more are taken."""
FAILURES_KEPT = timedelta(days=30)
"""For so long after the last of them they are counted, unless a right one comes."""
LARGEST_LIMIT = 10_000_000
_LIMIT = re.compile(r"([a-z_]+)\.([a-z]+)=([0-9]{1,8})")


class Budget(StrEnum):
    """What is throttled, by the names that settings use."""

    LOGIN = "login"
    REGISTER = "register"
    FORGOT_PASSWORD = "forgot_password"  # noqa: S105 (a name)
    MAILED_LINK = "mailed_link"
    REAUTHENTICATION = "reauthentication"
    OAUTH_LOGIN = "oauth_login"
    SECOND_FACTOR = "second_factor"
    """Codes of second factors; the account is the user's id."""
    PASSKEY = "passkey"
    """Sign-ins by passkey that are begun, and those that are refused."""
    CREDENTIAL = "credential"
    """Adapter secrets and service credentials that are wrong."""


class Share(StrEnum):
    """Whose part of a budget it is."""

    ACCOUNT = "account"
    """An account's, for all who are none of its known devices."""
    DEVICE = "device"
    """A known device's of an account."""
    DEVICES = "devices"
    """Of all known devices of an account that proved the same password: whoever knows it may have made many."""
    LINK = "link"
    """A mailed link's that is good: nobody guesses its token."""
    BLOCK = "block"
    """An address block's."""
    ALL = "all"
    """Everybody's but known devices' and good links'."""
    SPARE = "spare"
    """What an address block has once everybody's is spent, so that nobody can spend it for all."""


Limits = Mapping[Budget, Mapping[Share, int]]

# OWASP Authentication Cheat Sheet, "Login Throttling", and the device cookies of OWASP's community page.
DEFAULT_LIMITS: Limits = {
    Budget.LOGIN: {
        Share.ACCOUNT: 10,
        Share.DEVICE: 10,
        Share.DEVICES: 50,
        Share.BLOCK: 300,
        Share.ALL: 10_000,
        Share.SPARE: 3,
    },
    Budget.REGISTER: {Share.BLOCK: 60, Share.ALL: 10_000, Share.SPARE: 5},
    Budget.FORGOT_PASSWORD: {Share.DEVICE: 10, Share.BLOCK: 60, Share.ALL: 10_000, Share.SPARE: 5},
    Budget.MAILED_LINK: {Share.LINK: 20, Share.BLOCK: 60, Share.ALL: 10_000},
    # Who calls is signed in, or vouched for by the front end: guesses at one account are all that they could make, and
    # a share with others would only let these keep them out.
    Budget.REAUTHENTICATION: {Share.ACCOUNT: 10},
    Budget.OAUTH_LOGIN: {Share.ACCOUNT: 20},
    # Three codes of a million are good at a time, so a hundred guesses in a row find one in 3,000 times.
    Budget.SECOND_FACTOR: {
        Share.ACCOUNT: 5,
        Share.DEVICE: 5,
        Share.DEVICES: 25,
        Share.BLOCK: 100,
        Share.ALL: 10_000,
        Share.SPARE: 3,
    },
    # Nobody guesses a signature: the rows that anybody may have written are all that is kept small.
    Budget.PASSKEY: {Share.BLOCK: 1000, Share.ALL: 100_000, Share.SPARE: 5},
    Budget.CREDENTIAL: {Share.BLOCK: 100, Share.ALL: 10_000},
}
# Guesses at what proves a user, of which only so many may be wrong one after another.
_COUNTED = frozenset(
    (budget, share)
    for budget in (Budget.LOGIN, Budget.REAUTHENTICATION, Budget.SECOND_FACTOR)
    for share in (Share.ACCOUNT, Share.DEVICE, Share.DEVICES)
)


@dataclass(frozen=True, slots=True)
class Draw:
    """What one call takes of a share."""

    subject: bytes
    """Whose share it is, as a keyed hash: nobody reads an address or an account from it."""
    share: Share
    pace: timedelta
    """What comes free every so often."""
    counts_failures: bool


def subject_of(key: bytes, budget: Budget, share: Share, *whose: str) -> bytes:
    """Whose share it is, under the key; without regard to ASCII case, as the database compares addresses."""
    parts = (part.encode().lower().decode() for part in whose)
    return hmac.digest(key, identity_of(budget.value, share.value, *parts), hashlib.sha256)


def draw_of(key: bytes, limits: Limits, budget: Budget, share: Share, *whose: str) -> Draw | None:
    """What a call takes of this share; None where the budget has none."""
    limit = limits[budget].get(share)
    if limit is None:
        return None
    return Draw(subject_of(key, budget, share, *whose), share, PERIOD // limit, (budget, share) in _COUNTED)


def limits_of(text: str, generous: int = 1) -> Limits:
    """The defaults, each so many times, but for what the text says: `login.account=10,register.block=60`.

    Raises:
        ValueError: it names what there is not, something twice, or another number than 1 to 10,000,000.
    """
    found: dict[str, dict[str, int]] = {
        budget: {share: min(limit * generous, LARGEST_LIMIT) for share, limit in shares.items()}
        for budget, shares in DEFAULT_LIMITS.items()
    }
    named = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _LIMIT.fullmatch(part)
        if match is None:
            raise ValueError(f"write budget.share=number, not {part[:64]}")
        budget, share, limit = match.groups()
        if share not in found.get(budget, {}):
            raise ValueError(f"there is no {budget}.{share}: {', '.join(_names())}")
        if (budget, share) in named:
            raise ValueError(f"{budget}.{share} stands there twice")
        if not 1 <= int(limit) <= LARGEST_LIMIT:
            raise ValueError(f"{budget}.{share} must be 1 to {LARGEST_LIMIT}")
        named.add((budget, share))
        found[budget][share] = int(limit)
    return {
        Budget(budget): {Share(share): limit for share, limit in shares.items()} for budget, shares in found.items()
    }


def _names() -> list[str]:
    return [f"{budget}.{share}" for budget, shares in DEFAULT_LIMITS.items() for share in shares]
