"""Accounts, sessions and verification tokens, as NextAuth's adapter keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AccountSecrets:
    """What a provider handed out for us alone; sealed where it is stored."""

    access_token: str | None
    refresh_token: str | None
    id_token: str | None
    session_state: str | None
    extras: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """A provider's identity linked to a user; `expires_at` in seconds since 1970."""

    user_id: UUID
    type: str
    provider: str
    provider_account_id: str
    expires_at: int | None
    token_type: str | None
    scope: str | None
    secrets: AccountSecrets


@dataclass(frozen=True, slots=True)
class SealedAccount:
    """An account as it is stored: its secrets sealed."""

    user_id: UUID
    type: str
    provider: str
    provider_account_id: str
    expires_at: int | None
    token_type: str | None
    scope: str | None
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Session:
    """A NextAuth database session; its token is known to the caller alone."""

    id: UUID
    user_id: UUID
    expires: datetime
    methods: tuple[str, ...] = ()
    """How the second factor was proven for it (RFC 8176), if it was."""
