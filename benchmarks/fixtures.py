"""The rows that the benchmark works on, by names that every process of it knows."""

from functools import cache
from uuid import UUID, uuid5

USERS = 200
LOGIN_USERS = 8
OAUTH_USERS = 64
PASSWORD = "correct horse battery staple"
_NAMESPACE = UUID("6f0d3e4e-6a53-4c1b-9f5b-3c1f2a9d7b10")


def email_of(number: int) -> str:
    """The address of a user of the adapter, who has a session."""
    return f"user-{number % USERS}@bench.example.org"


def login_email_of(number: int) -> str:
    """The address of a user who has a password."""
    return f"login-{number % LOGIN_USERS}@bench.example.org"


def session_token_of(number: int) -> str:
    """The token of a user's session, 36 characters as NextAuth makes them."""
    return _session_token_of(number % USERS)


@cache
def _session_token_of(number: int) -> str:
    return str(uuid5(_NAMESPACE, str(number)))
