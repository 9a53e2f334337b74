"""Who a request comes from, as the services behind a proxy need it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from auth_server.domain.users import Role


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in user, as they are now."""

    user_id: UUID
    email: str | None
    name: str | None
    role: Role
    email_verified: bool
    sign_in_id: UUID | None
    """The sign-in of their access token; None where they came by a NextAuth session."""
