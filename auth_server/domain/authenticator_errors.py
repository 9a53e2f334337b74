"""What is refused of authenticators: texts for people and reasons for programs, as in errors.py."""

from __future__ import annotations

from auth_server.domain.errors import AuthError, Kind


class AuthenticatorNotFoundError(AuthError):
    """There is no such authenticator."""

    kind, reason = Kind.NOT_FOUND, "AUTHENTICATOR_NOT_FOUND"


class AuthenticatorTakenError(AuthError):
    """The authenticator's credential is registered already."""

    kind, reason = Kind.CONFLICT, "AUTHENTICATOR_TAKEN"


class TooManyAuthenticatorsError(AuthError):
    """There are as many authenticators as a user may have; remove one first."""

    kind, reason = Kind.PRECONDITION, "TOO_MANY_AUTHENTICATORS"


class AuthenticatorCounterRegressedError(AuthError):
    """The authenticator's counter has not grown: somebody may have a copy of it."""

    kind, reason = Kind.UNAUTHENTICATED, "AUTHENTICATOR_COUNTER_REGRESSED"
