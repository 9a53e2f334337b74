"""Secrets: what we only compare is hashed, what we must give back is sealed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth_server.domain.secret_strength import is_weak_key

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D, section 8.2.2: random nonces of 96 bits
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
SEALED_V1 = b"\x01"
TOKEN = re.compile(r"[0-9a-f]{64}")  # as new_token makes them


class SealBrokenError(Exception):
    """A sealed value does not open: another key sealed it, or it was changed or moved."""


def token_hash(token: str) -> bytes:
    """The SHA-256 of a token, which is all that we keep of it.

    A fast hash suffices: tokens have 128 bits of entropy and more (OWASP ASVS 5.0, 11.4).
    """
    return hashlib.sha256(token.encode("utf-8")).digest()


def new_token() -> str:
    """A token of 256 random bits as 64 hex digits, which JavaScript's Date.parse never takes for a date."""
    return secrets.token_hex(32)


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """Keys by id; the first one is in use, the others still open what they once made."""

    keys: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, text: str) -> KeyRing:
        """The ring that `id:base64,id:base64` spells, every key of 32 bytes.

        Raises:
            ValueError: the text has no key, an id twice, or a key of another length.
        """
        pairs = tuple(_key_of(part) for part in text.split(",") if part.strip())
        if not pairs:
            raise ValueError("it has no key: write id:base64, the key being 32 random bytes")
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a key id stands there twice")
        return cls(pairs)

    @property
    def active(self) -> tuple[str, bytes]:
        """The id and the key in use."""
        return self.keys[0]

    def find(self, name: str) -> bytes | None:
        """The key of this id."""
        return next((key for key_id, key in self.keys if key_id == name), None)


def derived_key(ring: KeyRing, purpose: str) -> bytes:
    """A key for one purpose of the key in use, so that no key serves two (NIST SP 800-108)."""
    return derived_keys(ring, purpose)[0]


def derived_keys(ring: KeyRing, purpose: str) -> tuple[bytes, ...]:
    """The same of every key of the ring, the one in use first: for what must outlive a change of keys."""
    return tuple(hmac.digest(key, b"gatepost " + purpose.encode(), hashlib.sha256) for _, key in ring.keys)


def _key_of(part: str) -> tuple[str, bytes]:
    name, _, encoded = part.strip().partition(":")
    if not KEY_ID.fullmatch(name):
        raise ValueError("a key's id is 1 to 32 letters, digits, - or _, followed by a colon")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError("a key is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {len(key)} bytes instead of {KEY_BYTES}")
    if is_weak_key(key):
        raise ValueError("a key is not random: take each from `openssl rand -base64 32`")
    return name, key


class Seal:
    """Seals values with AES-256-GCM under a key ring (NIST SP 800-38D)."""

    def __init__(self, ring: KeyRing) -> None:
        self._ciphers = {name.encode(): AESGCM(key) for name, key in ring.keys}
        self._active = ring.active[0].encode()

    def close(self, value: bytes, identity: bytes) -> bytes:
        """The value, sealed for the row of this identity."""
        nonce = os.urandom(NONCE_BYTES)
        head = SEALED_V1 + bytes([len(self._active)]) + self._active + nonce
        return head + self._ciphers[self._active].encrypt(nonce, value, identity)

    def open(self, sealed: bytes, identity: bytes) -> bytes:
        """The value that was sealed for the row of this identity.

        Raises:
            SealBrokenError: the key is not in the ring, or the value was changed or belongs to another row.
        """
        end = 2 + sealed[1] if len(sealed) > 2 else 0
        cipher = self._ciphers.get(sealed[2:end])
        if sealed[:1] != SEALED_V1 or cipher is None:
            raise SealBrokenError
        try:
            return cipher.decrypt(sealed[end : end + NONCE_BYTES], sealed[end + NONCE_BYTES :], identity)
        except (InvalidTag, ValueError):
            raise SealBrokenError from None


def identity_of(*parts: str) -> bytes:
    """The associated data of a row: its table and key, every part with its length, so that none runs into the next."""
    identity = b""
    for part in parts:
        encoded = part.encode()
        identity += len(encoded).to_bytes(4, "big") + encoded
    return identity
