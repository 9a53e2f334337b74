"""What is refused about second factors: texts for people and reasons for programs, as in errors.py."""

from __future__ import annotations

from auth_server.domain.errors import AuthError, Kind


class SecondFactorRequiredError(AuthError):
    """The first proof is right; a code of the second factor is needed as well."""

    kind, reason = Kind.FORBIDDEN, "SECOND_FACTOR_REQUIRED"
    is_right_guess = True


class SecondFactorInvalidError(AuthError):
    """The code is not accepted: it is wrong, has expired or was used."""

    kind, reason = Kind.UNAUTHENTICATED, "SECOND_FACTOR_INVALID"
    is_wrong_guess = True


class ChallengeInvalidError(AuthError):
    """The challenge is not accepted: it is unknown, has expired or was used; begin again."""

    kind, reason = Kind.UNAUTHENTICATED, "CHALLENGE_INVALID"
    is_wrong_guess = True


class SecondFactorActiveError(AuthError):
    """There is a second factor already; remove it first."""

    kind, reason = Kind.PRECONDITION, "SECOND_FACTOR_ACTIVE"


class SecondFactorNotFoundError(AuthError):
    """There is no second factor."""

    kind, reason = Kind.NOT_FOUND, "SECOND_FACTOR_NOT_FOUND"
