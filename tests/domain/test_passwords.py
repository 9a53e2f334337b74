import base64
import os

import bcrypt
import pytest

from auth_server.domain.passwords import PasswordHashes
from auth_server.domain.secrets import KeyRing

FIRST, SECOND = os.urandom(32), os.urandom(32)


def ring(**keys: bytes) -> KeyRing:
    return KeyRing.of(",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items()))


HASHES = PasswordHashes(ring(first=FIRST), 4)


def test_a_password_matches_its_hash_and_no_other():
    made = HASHES.make("correct horse")

    assert HASHES.matches("correct horse", made)
    assert not HASHES.matches("Correct horse", made)


@pytest.mark.requirement(21)
def test_every_hash_has_a_salt_of_its_own():
    assert HASHES.make("correct horse") != HASHES.make("correct horse")


@pytest.mark.requirement(18)
def test_passwords_that_differ_after_byte_72_differ():
    made = HASHES.make("x" * 72 + "a")

    assert not HASHES.matches("x" * 72 + "b", made)


@pytest.mark.requirement(18)
def test_passwords_that_differ_after_a_nul_differ():
    made = HASHES.make("secret\0one")

    assert not HASHES.matches("secret\0two", made)


@pytest.mark.requirement(19)
def test_composed_and_decomposed_letters_are_the_same_password():
    made = HASHES.make("caf\N{LATIN SMALL LETTER E WITH ACUTE}")

    assert HASHES.matches("cafe\N{COMBINING ACUTE ACCENT}", made)


@pytest.mark.requirement(19)
@pytest.mark.parametrize(
    "other", ["PASSWORD ", " Password ", "Password", "\N{FULLWIDTH LATIN CAPITAL LETTER P}assword "]
)
def test_case_spaces_and_compatibility_forms_count(other):
    made = HASHES.make("Password ")

    assert not HASHES.matches(other, made)


@pytest.mark.requirement(21)
def test_a_hash_is_of_no_use_without_its_pepper():
    made = HASHES.make("correct horse")
    _, _, by_bcrypt = made.split("$", 2)

    assert not bcrypt.checkpw(b"correct horse", by_bcrypt.encode())
    assert not PasswordHashes(ring(first=SECOND), 4).matches("correct horse", made)
    assert not PasswordHashes(ring(second=FIRST), 4).matches("correct horse", made)


@pytest.mark.requirement(21)
def test_a_hash_of_another_cost_or_pepper_is_old():
    made = HASHES.make("correct horse")

    assert not HASHES.is_old(made)
    assert PasswordHashes(ring(first=FIRST), 5).is_old(made)
    assert PasswordHashes(ring(second=SECOND, first=FIRST), 4).is_old(made)


@pytest.mark.requirement(21)
def test_a_hash_of_an_older_pepper_still_matches():
    made = HASHES.make("correct horse")

    assert PasswordHashes(ring(second=SECOND, first=FIRST), 5).matches("correct horse", made)


@pytest.mark.requirement(25)
@pytest.mark.parametrize("made", ["", "x", "gp0$first$x", "gp1$gone$$2b$04$x", "$2b$04$x"])
def test_a_hash_that_cannot_match_takes_the_time_of_one(made, monkeypatch):
    hashed = []
    monkeypatch.setattr(bcrypt, "hashpw", lambda *arguments: hashed.append(arguments) or b"")

    assert not HASHES.matches("correct horse", made)
    assert len(hashed) == 1


@pytest.mark.requirement(25)
def test_the_dummy_hash_is_checked_at_the_live_cost_and_matches_nothing():
    dummy = HASHES.dummy()

    assert dummy.startswith("gp1$first$$2b$04$")
    assert len(dummy) == len(HASHES.make("x"))
    assert not HASHES.matches("x", dummy)
