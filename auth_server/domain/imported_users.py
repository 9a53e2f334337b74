"""Users who come from another system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_server.domain.users import Profile


@dataclass(frozen=True, slots=True)
class ImportedUser:
    """A user as another system knew them, with the hash of their password as it is kept here."""

    id: UUID
    email: str
    email_verified: datetime | None
    password_hash: str | None
    """None where they have no password, or none that can be checked."""
    name: str | None
    image: str | None
    profile: Profile
    locale: str | None
    disabled_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ImportState:
    """How far the import of a file is."""

    records: int
    """Those that are done: the sum of the three that follow."""
    imported: int = 0
    present: int = 0
    """Records of users who were there already, by id or address; they were left alone."""
    refused: int = 0
    ended_at: datetime | None = None
