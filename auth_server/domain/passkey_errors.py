"""What is refused of passkeys: texts for people and reasons for programs, as in errors.py."""

from __future__ import annotations

from auth_server.domain.errors import AuthError, Kind


class PasskeysNotSetUpError(AuthError):
    """There are no passkeys here: the operator has not said for which pages."""

    kind, reason = Kind.PRECONDITION, "PASSKEYS_NOT_SET_UP"


class PasskeyRefusedError(AuthError):
    """The passkey is not kept; begin anew."""

    kind, reason = Kind.INVALID, "PASSKEY_REFUSED"


class PasskeyInvalidError(AuthError):
    """The passkey is not accepted; begin anew."""

    kind, reason = Kind.UNAUTHENTICATED, "PASSKEY_INVALID"
    is_wrong_guess = True
