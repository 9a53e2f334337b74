"""Audit events: what happened to a user, and in which request."""

from __future__ import annotations

from contextvars import ContextVar
from enum import StrEnum

current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)
"""The id of the request that is served right now; None in work of the server's own."""


class AuditEvent(StrEnum):
    """What happened."""

    REGISTERED = "registered"
    REGISTRATION_REFUSED = "registration-refused"
    """Somebody registered a taken address."""
    EMAIL_VERIFIED = "email-verified"
    EMAIL_CHANGE_REQUESTED = "email-change-requested"
    EMAIL_CHANGED = "email-changed"
    SQUATTER_EXPELLED = "squatter-expelled"
    """The owner of an unverified address arrived by another way: its password and all that it opened has ended."""
    PASSWORD_RESET_REQUESTED = "password-reset-requested"  # noqa: S105 (not a password)
    PASSWORD_RESET = "password-reset"  # noqa: S105 (not a password)
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 (not a password)
    REFRESH_TOKEN_REUSED = "refresh-token-reused"  # noqa: S105 (not a password)
    USERS_IMPORTED = "users-imported"
    """A batch of an operator's import; whom it brought, nobody but their rows tells."""
    USER_EXPORTED = "user-exported"
    USER_DELETED = "user-deleted"
