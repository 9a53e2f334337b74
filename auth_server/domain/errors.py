"""Every refusal that a caller may read.

The docstring of a refusal is its text for people, `reason` its word for
programs (ErrorReason in protos/gatepost/v1/errors.proto).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from types import MappingProxyType
from typing import ClassVar

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Kind(Enum):
    """What sort of refusal it is; interceptors/errors.py makes a status of it."""

    INVALID = auto()
    UNAUTHENTICATED = auto()
    FORBIDDEN = auto()
    PRECONDITION = auto()
    NOT_FOUND = auto()
    CONFLICT = auto()
    BUSY = auto()
    TOO_LATE = auto()
    UNAVAILABLE = auto()


@dataclass(frozen=True, slots=True)
class Violation:
    """A field of the request that breaks a rule, by its path in the request message."""

    field: str
    text: str


class AuthError(Exception):
    """The call was refused."""

    kind: ClassVar[Kind]
    reason: ClassVar[str]
    is_wrong_guess: ClassVar[bool] = False
    """Whether the caller presented something that was evaluated and is wrong: it stays counted."""
    is_right_guess: ClassVar[bool] = False
    """Whether what the caller presented is right, and something else is asked for as well."""

    def __init__(
        self,
        *,
        violations: tuple[Violation, ...] = (),
        retry_after: timedelta | None = None,
        rule: str = "",
        metadata: Mapping[str, str] = _NOTHING,
    ) -> None:
        """A refusal; `rule` says, for programs, which of several rules is broken that share the reason.

        `metadata` is what the caller needs to go on, and is told to nobody else: no log has it.
        """
        super().__init__(self.__doc__)
        self.violations = violations
        self.retry_after = retry_after
        self.rule = rule
        self.metadata = metadata


class CredentialMissingError(AuthError):
    """The credential that this call asks for is missing."""

    kind, reason = Kind.UNAUTHENTICATED, "CREDENTIAL_MISSING"


class AdapterSecretInvalidError(AuthError):
    """The adapter secret is not accepted."""

    kind, reason = Kind.UNAUTHENTICATED, "ADAPTER_SECRET_INVALID"


class AccessTokenInvalidError(AuthError):
    """The access token is not accepted."""

    kind, reason = Kind.UNAUTHENTICATED, "ACCESS_TOKEN_INVALID"


class RefreshTokenInvalidError(AuthError):
    """The refresh token is not accepted."""

    kind, reason = Kind.UNAUTHENTICATED, "REFRESH_TOKEN_INVALID"


class PermissionDeniedError(AuthError):
    """You may not do this."""

    kind, reason = Kind.FORBIDDEN, "PERMISSION_DENIED"


class CredentialsInvalidError(AuthError):
    """The email or the password is wrong."""

    kind, reason = Kind.UNAUTHENTICATED, "CREDENTIALS_INVALID"
    is_wrong_guess = True


class ServiceCredentialInvalidError(AuthError):
    """The service credential is not accepted."""

    kind, reason = Kind.UNAUTHENTICATED, "SERVICE_CREDENTIAL_INVALID"


class OAuthLoginRefusedError(AuthError):
    """No linked account backs this sign-in."""

    kind, reason = Kind.UNAUTHENTICATED, "OAUTH_LOGIN_REFUSED"
    is_wrong_guess = True


class IdTokenInvalidError(AuthError):
    """The provider's id_token is not accepted."""

    kind, reason = Kind.UNAUTHENTICATED, "ID_TOKEN_INVALID"
    is_wrong_guess = True


class SessionInvalidError(AuthError):
    """The session is not accepted."""

    kind, reason = Kind.UNAUTHENTICATED, "SESSION_INVALID"


class RequestInvalidError(AuthError):
    """The request breaks the rules of the contract."""

    kind, reason = Kind.INVALID, "REQUEST_INVALID"


class FieldNotUpdatableError(AuthError):
    """The update mask names a field that cannot be changed here."""

    kind, reason = Kind.INVALID, "FIELD_NOT_UPDATABLE"


class PageTokenInvalidError(AuthError):
    """The page token does not belong to this list."""

    kind, reason = Kind.INVALID, "PAGE_TOKEN_INVALID"


class RevocationCursorInvalidError(AuthError):
    """The cursor is none of a stream of revocations."""

    kind, reason = Kind.INVALID, "REVOCATION_CURSOR_INVALID"


class EventCursorInvalidError(AuthError):
    """The cursor is none of this stream of audit events."""

    kind, reason = Kind.INVALID, "EVENT_CURSOR_INVALID"


class PasswordRefusedError(AuthError):
    """The password may not be set; choose another one."""

    kind, reason = Kind.INVALID, "PASSWORD_REFUSED"


class CurrentPasswordInvalidError(AuthError):
    """The current password is wrong."""

    kind, reason = Kind.INVALID, "CURRENT_PASSWORD_INVALID"
    is_wrong_guess = True


class ReauthenticationRequiredError(AuthError):
    """Only a sign-in of the last minutes may do this; sign in again first."""

    kind, reason = Kind.PRECONDITION, "REAUTHENTICATION_REQUIRED"


class OneTimeTokenInvalidError(AuthError):
    """The link is not accepted: it was used, has expired or was replaced; ask for a new one."""

    kind, reason = Kind.INVALID, "ONE_TIME_TOKEN_INVALID"
    is_wrong_guess = True


class EmailNotOwnError(AuthError):
    """The email address is not your own."""

    kind, reason = Kind.INVALID, "EMAIL_NOT_OWN"


class EmailNotVerifiedError(AuthError):
    """The email address is not verified yet; follow the link in the mail first."""

    kind, reason = Kind.PRECONDITION, "EMAIL_NOT_VERIFIED"


class UserNotFoundError(AuthError):
    """There is no such user."""

    kind, reason = Kind.NOT_FOUND, "USER_NOT_FOUND"


class SignInNotFoundError(AuthError):
    """There is no such sign-in, or it has ended."""

    kind, reason = Kind.NOT_FOUND, "SIGN_IN_NOT_FOUND"


class MailNotFoundError(AuthError):
    """There is no such mail, or it is not dead."""

    kind, reason = Kind.NOT_FOUND, "MAIL_NOT_FOUND"


class EmailTakenError(AuthError):
    """Another user has this email address."""

    kind, reason = Kind.CONFLICT, "EMAIL_TAKEN"


class AccountTakenError(AuthError):
    """The account is linked to another user."""

    kind, reason = Kind.CONFLICT, "ACCOUNT_TAKEN"


class SessionTokenTakenError(AuthError):
    """A session with this token exists."""

    kind, reason = Kind.CONFLICT, "SESSION_TOKEN_TAKEN"


class VerificationTokenTakenError(AuthError):
    """The identifier has this verification token already."""

    kind, reason = Kind.CONFLICT, "VERIFICATION_TOKEN_TAKEN"


class HashingBusyError(AuthError):
    """Too many passwords wait to be hashed; try again in a moment."""

    kind, reason = Kind.BUSY, "HASHING_BUSY"


class ThrottledError(AuthError):
    """Too many tries; try again later."""

    kind, reason = Kind.BUSY, "THROTTLED"


class DeadlineExceededError(AuthError):
    """The call did not end in time."""

    kind, reason = Kind.TOO_LATE, "DEADLINE_EXCEEDED"


class IdentityProviderUnavailableError(AuthError):
    """The identity provider cannot be reached; try again in a moment."""

    kind, reason = Kind.UNAVAILABLE, "IDENTITY_PROVIDER_UNAVAILABLE"


class DatabaseUnavailableError(AuthError):
    """The database cannot be reached; try again in a moment."""

    kind, reason = Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE"


class TooManyCallsError(AuthError):
    """The server has more calls than it takes; try again in a moment."""

    kind, reason = Kind.UNAVAILABLE, "SERVER_UNAVAILABLE"


class ServerStoppingError(AuthError):
    """The server stops; go on at another one."""

    kind, reason = Kind.UNAVAILABLE, "SERVER_UNAVAILABLE"
