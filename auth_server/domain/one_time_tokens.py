"""One-time tokens: what a mailed link proves, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

LONGEST_RESET = timedelta(minutes=30)


class Purpose(StrEnum):
    """The one thing that a token is good for."""

    RESET_PASSWORD = "reset-password"  # noqa: S105 (not a password)
    VERIFY_EMAIL = "verify-email"
    CHANGE_EMAIL = "change-email"


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Whose token was used up, and the address that it was mailed to."""

    user_id: UUID
    address: str


@dataclass(frozen=True, slots=True)
class OneTimeTokenLives:
    """How long a token of each purpose is good (of a reset at most 30 minutes: OWASP ASVS 5.0, 6.6.2)."""

    reset_password: timedelta
    verify_email: timedelta
    change_email: timedelta

    def of(self, purpose: Purpose) -> timedelta:
        """The life of a token of this purpose."""
        lives = {
            Purpose.RESET_PASSWORD: self.reset_password,
            Purpose.VERIFY_EMAIL: self.verify_email,
            Purpose.CHANGE_EMAIL: self.change_email,
        }
        return lives[purpose]
