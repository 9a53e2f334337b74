import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.secret_strength import is_weak, is_weak_key, is_weak_password

DRAWN = st.integers(0, 2**64).map(lambda number: hashlib.sha256(str(number).encode()).digest())


@pytest.mark.requirement(41)
@pytest.mark.parametrize(
    "secret",
    [
        "",
        "a" * 64,
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "fedcba9876543210" * 2,
        "correct-horse-SECRET-battery-staple!",
    ],
)
def test_what_people_type_and_copy_is_weak(secret):
    assert is_weak(secret)


@given(DRAWN)
def test_what_chance_makes_is_strong_however_it_is_written(drawn):
    assert not is_weak(drawn.hex())
    assert not is_weak(base64.b64encode(drawn).decode())
    assert not is_weak_key(drawn)


@pytest.mark.requirement(41)
@pytest.mark.parametrize("key", [bytes(32), bytes(range(32)), b"sixteen letters." * 2, bytes([1, 200, 3, 77]) * 8])
def test_a_key_that_is_a_text_or_a_pattern_is_weak(key):
    assert is_weak_key(key)


@pytest.mark.parametrize(
    ("password", "weak"),
    [
        ("postgres", True),
        ("Qwerty123", True),
        ("7charsX", True),
        ("hF4-pq9Z", False),
        ("change is hard, they said", False),
    ],
)
def test_a_password_is_weak_where_it_is_tried_first(password, weak):
    assert is_weak_password(password, "postgres") is weak
