"""How a sign-in was proven, by the names of RFC 8176, which access tokens carry as `amr`."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "pwd"  # noqa: S105 (a name)
ONE_TIME_CODE = "otp"
POSSESSION = "pop"
"""A key that they hold has signed: in hardware or not, which nobody vouches for (OpenID Connect EAP ACR Values 1.0)."""
USER_VERIFIED = "user"
"""Somebody has shown to their own device that it is they, as a passkey asks for."""
MULTIPLE_FACTORS = "mfa"
"""More than one kind of proof: without it, nothing begins of a user with a second factor."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a user has proven; a provider's word has no name in RFC 8176, and so no method."""

    methods: tuple[str, ...] = ()
    password_version: int | None = None
    """Of the password that they proved; None where they proved none."""

    def with_second_factor(self, method: str) -> Proof:
        """The same, and this method beside it."""
        return Proof((*self.methods, method, MULTIPLE_FACTORS), self.password_version)


PASSKEY = Proof((POSSESSION, USER_VERIFIED, MULTIPLE_FACTORS))
"""What a passkey proves, whose holder was verified by their own device."""
