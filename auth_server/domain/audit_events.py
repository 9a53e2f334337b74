"""Audit events: what happened to a user, by whom, and in which request."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from auth_server.domain.audit_seal import AuditSeal
from auth_server.domain.clients import Client

OK = "ok"
"""The outcome of what was done; of a refusal it is the reason."""


class AuditEvent(StrEnum):
    """What happened."""

    REGISTERED = "registered"
    REGISTRATION_REFUSED = "registration-refused"
    """Somebody registered a taken address."""
    USER_CREATED = "user-created"
    """By the adapter."""
    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"
    SIGN_IN_ENDED = "sign-in-ended"
    """By its user elsewhere, by an operator or by a service."""
    SIGN_INS_ENDED = "sign-ins-ended"
    SESSION_STARTED = "session-started"
    """NextAuth's."""
    SESSION_ENDED = "session-ended"
    ACCOUNT_LINKED = "account-linked"
    ACCOUNT_UNLINKED = "account-unlinked"
    AUTHENTICATOR_ADDED = "authenticator-added"
    """A passkey, or another WebAuthn credential."""
    AUTHENTICATOR_REMOVED = "authenticator-removed"
    AUTHENTICATOR_COPIED = "authenticator-copied"
    """It seems so: it signed, and its counter had not grown. Nobody was signed in."""
    EMAIL_VERIFIED = "email-verified"
    EMAIL_CHANGE_REQUESTED = "email-change-requested"
    EMAIL_CHANGED = "email-changed"
    SQUATTER_EXPELLED = "squatter-expelled"
    """The owner of an unverified address arrived by another way: its password and all that it opened has ended."""
    PASSWORD_RESET_REQUESTED = "password-reset-requested"  # noqa: S105 (not a password)
    PASSWORD_RESET = "password-reset"  # noqa: S105 (not a password)
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 (not a password)
    SECOND_FACTOR_ADDED = "second-factor-added"
    SECOND_FACTOR_REMOVED = "second-factor-removed"
    SECOND_FACTOR_RESET = "second-factor-reset"
    """An operator has taken it away, for a user who lost it."""
    RECOVERY_CODES_MADE = "recovery-codes-made"
    """Anew, in the place of those before."""
    RECOVERY_CODE_USED = "recovery-code-used"
    REFRESH_TOKEN_REUSED = "refresh-token-reused"  # noqa: S105 (not a password)
    USER_CHANGED = "user-changed"
    """By the adapter: another address, or one that is verified now."""
    USER_IMPORTED = "user-imported"
    """They came from another system, by an operator's command."""
    USER_DISABLED = "user-disabled"
    USER_ENABLED = "user-enabled"
    ROLE_CHANGED = "role-changed"
    USER_EXPORTED = "user-exported"
    USER_DELETED = "user-deleted"
    SERVICE_ADDED = "service-added"
    SERVICE_REVOKED = "service-revoked"
    SERVICE_SECRET_ADDED = "service-secret-added"  # noqa: S105 (not a secret)
    SERVICE_SECRET_REVOKED = "service-secret-revoked"  # noqa: S105 (not a secret)
    """By itself, or because a third one took its place."""
    KEY_ROTATION_ASKED = "key-rotation-asked"
    """An operator has; the next key takes over when it is ready."""
    KEY_ROTATED = "key-rotated"
    """An operator has let the key of this id take over."""
    KEY_REVOKED = "key-revoked"
    MAIL_REDRIVEN = "mail-redriven"
    MAIL_DROPPED = "mail-dropped"
    REFUSED = "refused"
    """A call that was refused for who called, or for what they presented."""


class About(NamedTuple):
    """What an event is about: a user, what it was done to where that is no user, or both."""

    user_id: UUID | None = None
    target: str | None = None
    """Such as `service:billing` or `mail:<id>`; nothing personal, as it is kept in clear."""


@dataclass(slots=True)
class Origin:
    """Where an event comes from: the request that is served, and who makes it."""

    request_id: str
    rpc: str
    """Such as `AuthService/Login`."""
    caller_of: Callable[[], tuple[str | None, UUID | None]]
    """Tells who has been found to call, as an event names them, and the id of a user who does."""
    client_of: Callable[[], Client]
    seal: AuditSeal
    user_id: UUID | None = None
    """Whom the request speaks of, as far as it is known when it is refused."""
    email: str | None = None
    """The address that was typed."""


current_origin: ContextVar[Origin | None] = ContextVar("current_origin", default=None)
"""Where the request that is served right now comes from; None in work of the server's own."""


COMMAND = "command"
"""The caller, where an operator's command works on the database."""
current_actor: ContextVar[str | None] = ContextVar("current_actor", default=None)
"""Who acts where no request is served; None in work of the server's own."""


def note_subject(*, user_id: UUID | None = None, email: str | None = None) -> None:
    """Notes whom the request speaks of, for the event that it may become where it is refused."""
    origin = current_origin.get()
    if origin is not None:
        origin.user_id, origin.email = user_id, email
