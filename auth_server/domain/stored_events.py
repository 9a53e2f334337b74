"""Audit events as they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of the audit log."""

    id: int
    at: datetime
    event: str
    user_id: UUID | None
    request_id: str | None
    rpc: str | None
    caller: str | None
    outcome: str
    repeats: int
    """How many refusals of this kind it stands for."""
    key_id: UUID | None
    sealed: bytes | None
    """Who and where, as far as that is personal."""
    target: str | None = None
    """What it was done to, where that is no user."""
