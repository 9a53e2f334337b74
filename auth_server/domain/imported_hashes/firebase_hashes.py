"""Firebase's scrypt (github.com/firebase/scrypt): a key from the password encrypts the project's signer key."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from auth_server.domain.imported_hashes.formats import (
    MOST_SALT_BYTES,
    HashRefusedError,
    decoded,
    fields,
    number,
    pairs,
)
from auth_server.domain.imported_hashes.scrypt_hashes import ScryptHash, check, derived

SIGNER_KEY_BYTES = 64
MOST_MEM_COST = 14  # of a project: 1 to 14, and 1 to 8 rounds (Firebase Admin SDK, UserImportHash)
MOST_ROUNDS = 8
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class FirebaseHash:
    """A hash of Firebase Authentication."""

    parameters: ScryptHash
    digest: bytes
    signer_key: bytes
    format: str = "firebase"

    @property
    def cost(self) -> int:
        """N times r of its scrypt."""
        return self.parameters.cost

    def matches(self, password: bytes) -> bool:
        """Whether it is of this password and of the project with the signer key."""
        cipher = Cipher(AES256(derived(password, self.parameters)), CTR(bytes(16))).encryptor()
        return hmac.compare_digest(cipher.update(self.signer_key) + cipher.finalize(), self.digest)


def signer_key(text: str) -> bytes:
    """The key that a project's `base64_signer_key` spells.

    Raises:
        ValueError: it is not base64 of 64 bytes.
    """
    try:
        return decoded(_usual(text), "the signer key", least=SIGNER_KEY_BYTES, most=SIGNER_KEY_BYTES)
    except HashRefusedError as error:
        raise ValueError(str(error)) from None


def read(text: str, key: bytes | None) -> FirebaseHash:
    """The hash that `$fbscrypt$v=1,n=<mem_cost>,r=<rounds>,p=1,ss=<salt separator>$<salt>$<hash>` spells.

    Raises:
        HashRefusedError: it is none, costs too much, or nobody has set the project's signer key.
    """
    if key is None:
        raise HashRefusedError("it needs the project's signer key: set GATEPOST_FIREBASE_SIGNER_KEY")
    _, _, costs, salt, digest = fields(text, 5)
    version, n, r, p, separator = pairs(costs, "v", "n", "r", "p", "ss")
    if (version, p) != ("1", "1"):
        raise HashRefusedError("its v and p are not 1")
    salt_bytes = decoded(_usual(salt), "its salt", least=1, most=MOST_SALT_BYTES)
    parameters = ScryptHash(
        salt_bytes + decoded(_usual(separator), "its ss", least=0, most=MOST_SALT_BYTES),
        bytes(_KEY_BYTES),
        2 ** number(n, "its n", most=MOST_MEM_COST),
        number(r, "its r", most=MOST_ROUNDS),
        1,
    )
    check(parameters)
    # The hash is the key, encrypted.
    made = decoded(_usual(digest), "its hash", least=SIGNER_KEY_BYTES, most=SIGNER_KEY_BYTES)
    return FirebaseHash(parameters, made, key)


def _usual(text: str) -> str:
    """The Admin SDK lists base64 for URLs, `firebase auth:export` the usual one."""
    return text.replace("-", "+").replace("_", "/")
