"""Mails: what is told to whom, and how much of it at the most."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321, section 4.5.4.1: at least 4 to 5 days
ALLOWANCE = timedelta(hours=1)
LONGEST_ADDRESS = 254  # RFC 5321, section 4.5.3.1.3, without the brackets

# What RFC 5321 takes for a mailbox, without quoted strings and address literals, with the letters of RFC 6531. Nothing
# that parts, ends or comments a header is in it.
_ATOM = r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x7f])+"
_LETTER = r"(?:[A-Za-z0-9]|[^\x00-\x7f])"
_LABEL = rf"{_LETTER}(?:(?:{_LETTER}|-){{0,61}}{_LETTER})?"
_GMAIL = ("gmail.com", "googlemail.com")
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")


class MailKind(StrEnum):
    """What a mail tells."""

    VERIFY_EMAIL = "verify-email"
    RESET_PASSWORD = "reset-password"  # noqa: S105 (no password)
    ADDRESS_TAKEN = "address-taken"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 (no password)
    CONFIRM_NEW_EMAIL = "confirm-new-email"
    EMAIL_CHANGED = "email-changed"
    SIGN_IN_ENDED = "sign-in-ended"
    SECOND_FACTOR_ADDED = "second-factor-added"
    SECOND_FACTOR_REMOVED = "second-factor-removed"
    RECOVERY_CODES_MADE = "recovery-codes-made"
    RECOVERY_CODE_USED = "recovery-code-used"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    PASSKEY_COPIED = "passkey-copied"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be sent, which its template makes of the kind and the values."""

    kind: MailKind
    recipient: str = field(repr=False)
    locale: str | None
    """The recipient's language (BCP 47), if it is known."""
    user_id: UUID | None
    values: Mapping[str, str] = field(repr=False)
    """What the template needs: `name`, and `token` where there is a link."""
    expires: datetime | None
    """When its link is good no more; it is not sent from then on."""
    proven: bool = False
    """Whether the account has proven that its user reads this address."""

    @property
    def is_request(self) -> bool:
        """Whether an address is all that is known: whose it is, is looked up when the mail is sent."""
        return self.user_id is None and not self.values


class OwnedMail(NamedTuple):
    """A mail, and whose it is; None where it goes to an address that is nobody's."""

    id: UUID
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class MailNote:
    """A mail as an operator sees it: whom it goes to and how it fares, not what it says."""

    id: UUID
    kind: str
    recipient: str = field(repr=False)
    user_id: UUID | None
    created_at: datetime
    due_at: datetime
    """When it is tried next, where it is not dead."""
    expires: datetime | None
    dead_at: datetime | None
    attempts: int
    last_error: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class MailLimits:
    """How many mails of one kind go out at once to an address and for an account; an hour makes them whole again."""

    per_address: int
    per_account: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one more mail takes of a limit: so many may be under way at once, one more comes free every `pace`."""

    subject: bytes
    pace: timedelta

    @classmethod
    def of(cls, subject: bytes, limit: int) -> Allowance:
        """The share that one of so many mails has of an hour."""
        return cls(subject, ALLOWANCE / limit)

    def latest_whole_at(self, now: datetime) -> datetime:
        """Where the limit is whole again only after this moment, nothing is left of it."""
        return now + ALLOWANCE - self.pace


def is_deliverable(address: str) -> bool:
    """Whether a mail can go to this address: one mailbox, and nothing that a header could take for more."""
    return len(address) <= LONGEST_ADDRESS and address.isprintable() and _ADDRESS.fullmatch(address) is not None


def mailbox_of(address: str) -> str:
    """The mailbox that an address most likely leads to, whatever its spelling; for limits alone.

    Case and what follows a plus make no other mailbox at most providers, nor do dots at Gmail.
    """
    local, _, domain = address.casefold().rpartition("@")
    local = local.partition("+")[0]
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), _GMAIL[0]
    return f"{local}@{domain}"
