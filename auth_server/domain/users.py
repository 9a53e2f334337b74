"""Users, as they are stored and as they change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

# The article's profile fields, which the person may change freely.
PROFILE_FIELDS = frozenset(
    {
        "background",
        "company_name",
        "about",
        "country",
        "website",
        "region",
        "annual_operating_budget",
        "industry",
        "founded_year",
        "headquarter",
        "employees_number",
    }
)
ProfileValue = str | int | float
Profile = Mapping[str, ProfileValue]


class Role(StrEnum):
    """What a user may do beyond their own things."""

    USER = "user"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class AdapterUser:
    """What the adapter sees of a user."""

    id: UUID
    name: str | None
    email: str | None
    email_verified: datetime | None
    image: str | None


@dataclass(frozen=True, slots=True)
class User(AdapterUser):
    """A person who can sign in."""

    profile: Profile
    role: Role
    created_at: datetime
    updated_at: datetime
    locale: str | None = None
    """The BCP 47 tag of the language that they are written to in."""


@dataclass(frozen=True, slots=True)
class NewUser:
    """Who registers, with the hash of their password."""

    name: str
    email: str
    password_hash: str
    profile: Profile
    locale: str | None


@dataclass(frozen=True, slots=True)
class UserWithHash:
    """A user and the hash of their password; `hash` is None where they have none."""

    user: User
    hash: str | None
    password_version: int
    disabled: bool
