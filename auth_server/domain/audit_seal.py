"""What is personal in audit events, sealed under a key of the person's own, so that it goes with that key."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth_server.domain.ids import new_id
from auth_server.domain.secrets import KEY_BYTES, NONCE_BYTES, Seal, SealBrokenError, identity_of
from auth_server.domain.stored_events import StoredEvent
from auth_server.domain.subject_keys import KnownKeys, SubjectKey


@dataclass(frozen=True, slots=True)
class Personal:
    """What of an event is personal; each is None where it is not known."""

    address: str | None = None
    """The IP address of the client."""
    agent: str | None = None
    email: str | None = None
    """The address that was typed."""

    def __bool__(self) -> bool:
        return any((self.address, self.agent, self.email))


@dataclass(frozen=True, slots=True, repr=False)
class AuditSeal:
    """Seals and opens what is personal in events."""

    seal: Seal
    subject_keys: tuple[bytes, ...]
    """Under which typed addresses are hashed, the one in use first; they are then nobody's to read."""
    known_keys: KnownKeys = field(default_factory=KnownKeys, compare=False)
    """Those of users, who have several events in a row."""

    def subject_of(self, user_id: UUID | None, personal: Personal, at: datetime) -> bytes:
        """Whose key an event is sealed under: the user's, else that of the typed address, else that of the day."""
        if user_id is not None:
            return b"user " + user_id.bytes
        if personal.email is not None:
            return self.subjects_of_email(personal.email)[0]
        return b"day " + at.date().isoformat().encode()

    def subjects_of_email(self, email: str) -> list[bytes]:
        """The subjects of an address that was typed by nobody we know, in whatever ASCII case; the first is in use."""
        folded = email.encode().lower()
        return [b"email " + hmac.digest(key, folded, hashlib.sha256) for key in self.subject_keys]

    def new_key(self) -> tuple[UUID, bytes]:
        """A new key: its id, and the key as it is to be kept."""
        key_id = new_id()
        return key_id, self.seal.close(os.urandom(KEY_BYTES), _identity_of_key(key_id))

    def opened(self, subject: bytes, key_id: UUID, key: bytes) -> SubjectKey:
        """The kept key of the subject, which seals by itself from now on.

        Raises:
            SealBrokenError: it does not open.
        """
        return SubjectKey(subject, key_id, self._cipher(key_id, key))

    def open(self, sealed: bytes, key: bytes, key_id: UUID, event: str) -> Personal:
        """What was sealed under the kept key for an event of this name.

        Raises:
            SealBrokenError: it does not open.
        """
        cipher = self._cipher(key_id, key)
        try:
            text = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _identity_of_event(event))
        except (InvalidTag, ValueError):
            raise SealBrokenError from None
        return Personal(**orjson.loads(text))

    def personal_of(self, event: StoredEvent, key: bytes | None) -> Personal:
        """What is personal in the event, by its key as it is kept; nothing where there is none, or where that is gone.

        Raises:
            SealBrokenError: it does not open.
        """
        if event.sealed is None or event.key_id is None or key is None:
            return Personal()
        return self.open(event.sealed, key, event.key_id, event.event)

    def _cipher(self, key_id: UUID, key: bytes) -> AESGCM:
        return AESGCM(self.seal.open(key, _identity_of_key(key_id)))


def closed(personal: Personal, key: SubjectKey, event: str) -> bytes:
    """What is personal, sealed under the key for an event of this name."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.cipher.encrypt(nonce, orjson.dumps(personal), _identity_of_event(event))


@lru_cache
def _identity_of_event(event: str) -> bytes:
    return identity_of(event)


def _identity_of_key(key_id: UUID) -> bytes:
    return identity_of("audit_keys", str(key_id))
