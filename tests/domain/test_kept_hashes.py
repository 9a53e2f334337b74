"""Imported hashes as the database has them."""

from __future__ import annotations

import base64
import hashlib
import os

import pytest

from auth_server.domain.imported_hashes import HashRefusedError
from auth_server.domain.kept_hashes import KeptHashes
from auth_server.domain.passwords import PasswordHashes
from tests.domain.test_imported_hashes import FIREBASE, PASSWORD, SIGNER_KEY
from tests.domain.test_passwords import FIRST, SECOND, ring

PBKDF2 = "pbkdf2_sha256$1000$seasalt2025$lOns6bX6tYK/CSom7WoNCidFz7UHsvBGI2ZIqKtRDjs="
KEPT = KeptHashes(ring(first=FIRST))
HASHES = PasswordHashes(ring(first=FIRST), 4, KEPT)


@pytest.mark.requirement(24)
def test_a_kept_hash_matches_its_password_and_is_old() -> None:
    kept = KEPT.keep(PBKDF2)

    assert HASHES.matches(PASSWORD, kept)
    assert not HASHES.matches(PASSWORD + "x", kept)
    assert HASHES.is_old(kept)
    assert kept.startswith("im1$first$pbkdf2-sha256$1000$")


@pytest.mark.requirement(21, 24, 58)
def test_a_kept_hash_shows_nothing_and_is_of_no_use_without_its_pepper() -> None:
    kept = KEPT.keep(PBKDF2)

    assert "seasalt" not in kept
    assert PBKDF2.rpartition("$")[2] not in kept
    assert kept != KEPT.keep(PBKDF2)
    assert not KeptHashes(ring(first=SECOND)).matches(PASSWORD, kept)
    assert not KeptHashes(ring(second=FIRST)).matches(PASSWORD, kept)
    assert KeptHashes(ring(second=SECOND, first=FIRST)).matches(PASSWORD, kept)


@pytest.mark.requirement(24)
def test_what_cannot_be_opened_or_checked_matches_nothing() -> None:
    of_firebase = KeptHashes(ring(first=FIRST), SIGNER_KEY).keep(FIREBASE)

    assert not KEPT.matches("user1password", of_firebase)
    assert not KEPT.matches(PASSWORD, KEPT.keep(PBKDF2)[:-8])
    assert not KEPT.matches(PASSWORD, "im1$first$bcrypt$16$%%%")
    assert not PasswordHashes(ring(first=FIRST), 4).matches(PASSWORD, KEPT.keep(PBKDF2))


@pytest.mark.requirement(24)
def test_no_password_is_longer_than_the_longest_that_may_be_set() -> None:
    """Else one guess at a hash of phpass could take as long as the guesser likes."""
    password = "x" * 257
    digest = base64.b64encode(hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", 1)).decode()

    assert not KEPT.matches(password, KEPT.keep(f"pbkdf2_sha256$1$salt${digest}"))


@pytest.mark.requirement(24)
def test_what_is_no_hash_is_not_kept() -> None:
    with pytest.raises(HashRefusedError, match="not known"):
        KEPT.keep(os.urandom(16).hex())
