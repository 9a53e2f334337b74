"""The keys under which what is personal in audit events is sealed, a key a person."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MOST_KNOWN = 4096
"""How many keys a server remembers: some 12 MB."""


@dataclass(frozen=True, slots=True, repr=False)
class SubjectKey:
    """The key of a subject (AuditSeal.subject_of), opened: that costs four times as much as to seal an event by it."""

    subject: bytes
    id: UUID
    cipher: AESGCM


class KnownKeys:
    """Keys that were kept when they were last looked up; whether one still is, only the database tells.

    One that went with its user must seal nothing any more: whoever writes what it sealed asks for its row there.
    """

    def __init__(self, most: int = MOST_KNOWN) -> None:
        self._most = most
        self._keys: dict[bytes, SubjectKey] = {}

    def find(self, subject: bytes) -> SubjectKey | None:
        """The key that this subject had."""
        return self._keys.get(subject)

    def add(self, key: SubjectKey) -> None:
        """Remembers the key; where there is no more room, the others are forgotten."""
        if len(self._keys) >= self._most and key.subject not in self._keys:
            self._keys.clear()
        self._keys[key.subject] = key

    def forget(self) -> None:
        """Forgets all."""
        self._keys.clear()
