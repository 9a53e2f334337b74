"""Sign-ins as their users see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LiveSignIn:
    """A sign-in that could still be refreshed; device and address are None where they are not known."""

    id: UUID
    device: str | None
    address: str | None
    created: datetime
    last_used: datetime
    """When it began, or its tokens were last refreshed."""
    expires: datetime
    """When it ends unless it is refreshed before."""
