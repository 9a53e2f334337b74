"""Imported hashes as they are kept until their users log in: sealed under the pepper, so that a dump shows none."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from auth_server.domain import imported_hashes
from auth_server.domain.password_rules import MOST_CHARACTERS
from auth_server.domain.secrets import KeyRing, Seal, SealBrokenError, identity_of

KEPT = "im1"
_IDENTITY = identity_of("users", "password_hash")
LONGEST_PASSWORD = "\N{CJK UNIFIED IDEOGRAPH-20000}" * MOST_CHARACTERS
"""No password is longer; that of an imported hash neither, as some formats take longer the longer it is."""


class KeptHashes:
    """Keeps imported hashes as `im1$<pepper id>$<format>$<cost>$<sealed>`, and checks them."""

    def __init__(self, peppers: KeyRing, firebase_signer_key: bytes | None = None) -> None:
        # A key of its own from each pepper (NIST SP 800-108): what keys an HMAC seals nothing.
        keys = tuple(
            (name, hmac.digest(key, b"gatepost imported hashes", hashlib.sha256)) for name, key in peppers.keys
        )
        self._seal = Seal(KeyRing(keys))
        self._pepper = peppers.active[0]
        self._firebase_signer_key = firebase_signer_key

    def keep(self, text: str) -> str:
        """A hash that another system made, as it is kept.

        Raises:
            HashRefusedError: it is of no known format, damaged, or a check would cost too much.
        """
        found = imported_hashes.read(text, self._firebase_signer_key)
        sealed = base64.b64encode(self._seal.close(text.encode(), _IDENTITY)).decode()
        return "$".join((KEPT, self._pepper, found.format, str(found.cost), sealed))

    def matches(self, password: str, kept: str) -> bool:
        """Whether it is of this password, compared as it was typed: no other system would have normalised it.

        False for one that does not open, or whose format needs a setting that is gone.
        """
        sealed = kept.rpartition("$")[2]
        try:
            text = self._seal.open(base64.b64decode(sealed, validate=True), _IDENTITY).decode()
            found = imported_hashes.read(text, self._firebase_signer_key)
        except (binascii.Error, SealBrokenError, imported_hashes.HashRefusedError):
            return False
        return len(password) <= MOST_CHARACTERS and found.matches(password.encode("utf-8"))
