"""How a sign-in was proven, by the names of RFC 8176, which access tokens carry as `amr`."""

from __future__ import annotations

PASSWORD = "pwd"  # noqa: S105 (a name)
ONE_TIME_CODE = "otp"
USER_VERIFIED = "user"
"""Somebody has shown to their own device that it is they, as a passkey asks for."""
MULTIPLE_FACTORS = "mfa"
"""More than one kind of proof: without it, nothing begins of a user with a second factor."""
