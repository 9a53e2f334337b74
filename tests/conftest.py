"""What tests and the servers under test agree upon: their secrets, and the time."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

ADAPTER_SECRET = "tests-adapter-secret-0123456789abcdef"
PREVIOUS_SECRET = "tests-adapter-secret-of-before-56789abcdef"
IMAGES_AT = "https://auth.example.org/images"
# The others empty with these.
EMPTIED = (
    "users",
    "revocations",  # also those of the users who are gone
    "verification_tokens",
    "services",
    "outbox",
    "mail_allowances",
    "budgets",
    "audit_events",
    "audit_pending",
    "audit_links",
    "audit_checkpoints",
    "audit_keys",
    "images",
    "imports",
    "passkey_challenges",  # those to sign in are nobody's
)
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "100"}


class Clock:
    """The time that the server under test sees; a test may move it, or stop it."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        now = (self.stopped_at or datetime.now(UTC)) + self.ahead
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def advance(self, by: timedelta) -> None:
        self.ahead += by


def key_ring(name: str) -> str:
    """A key ring of one key, the same in every run."""
    return f"{name}:{base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()}"
