"""Mails: what is told to whom."""

from __future__ import annotations

from enum import StrEnum


class MailKind(StrEnum):
    """What a mail tells."""

    VERIFY_EMAIL = "verify-email"
    RESET_PASSWORD = "reset-password"  # noqa: S105 (no password)
    ADDRESS_TAKEN = "address-taken"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 (no password)
    CONFIRM_NEW_EMAIL = "confirm-new-email"
    EMAIL_CHANGED = "email-changed"
    SIGN_IN_ENDED = "sign-in-ended"
