import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.secrets import KeyRing, Seal, SealBrokenError, identity_of, new_token, token_hash

OLD, NEW = hashlib.sha256(b"old").digest(), hashlib.sha256(b"new").digest()


def spelled(**keys: bytes) -> str:
    return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items())


def seal_of(**keys: bytes) -> Seal:
    return Seal(KeyRing.of(spelled(**keys)))


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_was_sealed_opens_for_its_row(value, name):
    seal = seal_of(new=NEW)

    assert seal.open(seal.close(value, identity_of(name)), identity_of(name)) == value


@pytest.mark.requirement(58)
def test_a_sealed_value_does_not_open_for_another_row():
    seal = seal_of(new=NEW)
    sealed = seal.close(b"value", identity_of("accounts", "google", "1"))

    with pytest.raises(SealBrokenError):
        seal.open(sealed, identity_of("accounts", "google", "2"))


@pytest.mark.requirement(58)
@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_sealed_value_does_not_open(position, change):
    seal = seal_of(new=NEW)
    sealed = bytearray(seal.close(b"value", b"row"))
    sealed[position % len(sealed)] ^= change

    with pytest.raises(SealBrokenError):
        seal.open(bytes(sealed), b"row")


@given(st.binary(max_size=60))
def test_what_was_never_sealed_does_not_open(text):
    with pytest.raises(SealBrokenError):
        seal_of(new=NEW).open(text, b"row")


def test_an_older_key_of_the_ring_still_opens():
    sealed = seal_of(old=OLD).close(b"value", b"row")

    assert seal_of(new=NEW, old=OLD).open(sealed, b"row") == b"value"


def test_a_key_that_left_the_ring_opens_nothing():
    sealed = seal_of(old=OLD).close(b"value", b"row")

    with pytest.raises(SealBrokenError):
        seal_of(new=NEW).open(sealed, b"row")


def test_one_value_is_sealed_differently_each_time():
    seal = seal_of(new=NEW)

    assert seal.close(b"value", b"row") != seal.close(b"value", b"row")


@given(st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_two_rows_never_share_an_identity(one, other):
    assert (identity_of(*one) == identity_of(*other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no key"),
        (",", "no key"),
        ("key", "not random|32|base64|0 bytes"),
        (f":{base64.b64encode(NEW).decode()}", "id"),
        (f"a b:{base64.b64encode(NEW).decode()}", "id"),
        ("k:***", "not base64"),
        (spelled(k=b"short"), "5 bytes instead of 32"),
        (spelled(k=bytes(32)), "not random"),
        (spelled(k=bytes(range(32))), "not random"),
        (spelled(k=b"a pass phrase is of few bits only"[:32]), "not random"),
        (f"{spelled(k=NEW)},{spelled(k=OLD)}", "twice"),
    ],
)
@pytest.mark.requirement(41)
def test_a_bad_key_ring_is_refused_with_its_fault(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        KeyRing.of(text)


def test_a_key_ring_never_shows_its_keys():
    assert "old" not in repr(KeyRing.of(spelled(old=OLD)))


@pytest.mark.requirement(36)
def test_a_new_token_is_256_bits_of_hex():
    made = {new_token() for _ in range(100)}

    assert len(made) == 100
    assert all(len(bytes.fromhex(token)) == 32 for token in made)


def test_a_token_is_kept_as_its_sha256():
    assert token_hash("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
