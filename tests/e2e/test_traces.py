"""The search for secrets finds them in every way of writing."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.e2e.traces import traces_of

SECRET = b"session-0123456789abcdefghijklmnopqrstuv"
KEY = random.Random(1).randbytes(32)

ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "clear": lambda secret: secret,
    "hex": lambda secret: secret.hex().encode(),
    "upper case hex": lambda secret: secret.hex().upper().encode(),
    "bytea": lambda secret: b"\\\\x" + secret.hex().encode(),
    "base64": base64.b64encode,
    "base64 for URLs": base64.urlsafe_b64encode,
    "a literal of Python": lambda secret: repr(secret).encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", [SECRET, KEY], ids=["token", "key"])
@settings(max_examples=30, deadline=None)
@given(before=st.binary(max_size=5), after=st.binary(max_size=5))
def test_a_secret_is_found_within_whatever_stands_around_it(
    encoding: str, secret: bytes, before: bytes, after: bytes
) -> None:
    text = before + ENCODINGS[encoding](before + secret + after) + after

    assert traces_of([SECRET, KEY], text) == [secret]


@pytest.mark.parametrize("part", [SECRET[:14], SECRET[13:27], SECRET[-14:]], ids=["first", "middle", "last"])
def test_a_third_of_a_secret_is_found(part: bytes) -> None:
    assert traces_of([SECRET], b"..." + part + b"...") == [SECRET]


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_nothing_is_found_in_what_holds_nothing(text: bytes) -> None:
    assert traces_of([SECRET, KEY], text) == []
