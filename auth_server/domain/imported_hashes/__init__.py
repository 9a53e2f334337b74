"""Password hashes that other systems made, and which can be checked until their owners log in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from auth_server.domain.imported_hashes import (
    argon2_hashes,
    bcrypt_hashes,
    firebase_hashes,
    pbkdf2_hashes,
    phpass_hashes,
    scrypt_hashes,
)
from auth_server.domain.imported_hashes.formats import LONGEST_HASH, HashRefusedError, ImportedHash

_READERS: Mapping[str, Callable[[str], ImportedHash]] = {
    "$2a$": bcrypt_hashes.read,
    "$2b$": bcrypt_hashes.read,
    "$2y$": bcrypt_hashes.read,
    "bcrypt$": bcrypt_hashes.read,
    "bcrypt_sha256$": bcrypt_hashes.read,
    "$argon2id$": argon2_hashes.read,
    "argon2$argon2id$": argon2_hashes.read,
    "$pbkdf2$": pbkdf2_hashes.read,
    "$pbkdf2-sha256$": pbkdf2_hashes.read,
    "$pbkdf2-sha512$": pbkdf2_hashes.read,
    "pbkdf2_sha1$": pbkdf2_hashes.read,
    "pbkdf2_sha256$": pbkdf2_hashes.read,
    "$scrypt$": scrypt_hashes.read,
    "scrypt$": scrypt_hashes.read,
    "$P$": phpass_hashes.read,
    "$H$": phpass_hashes.read,
}
_OF_FIREBASE = "$fbscrypt$"
FORMATS = ("argon2id", "bcrypt", "firebase", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512", "phpass", "scrypt")
"""Every `format` that a hash can have."""


def read(text: str, firebase_signer_key: bytes | None = None) -> ImportedHash:
    """The hash that the text spells, in any format that is known.

    Raises:
        HashRefusedError: the format is not known, the text is damaged, or a check would cost too much.
    """
    if len(text) > LONGEST_HASH:
        raise HashRefusedError(f"it has more than {LONGEST_HASH} characters")
    if text.startswith(_OF_FIREBASE):
        return firebase_hashes.read(text, firebase_signer_key)
    reader = next((reader for start, reader in _READERS.items() if text.startswith(start)), None)
    if reader is None:
        raise HashRefusedError("its format is not known")
    return reader(text)


__all__ = ["FORMATS", "HashRefusedError", "ImportedHash", "read"]
