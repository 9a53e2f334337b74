"""Texts that nobody foresaw are refused like all others, and like nothing else."""

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signing import Pair

from gatepost_client import AccessTokenInvalidError, jws
from gatepost_client.keys import verifying_keys

PAIR = Pair("key-1")
KEY = verifying_keys([PAIR.published])["key-1"]
GOOD = PAIR.signed()
BASE64URL = string.ascii_letters + string.digits + "-_"


def is_good(text: str) -> bool:
    token = jws.read(text)
    return KEY.is_good(token.signed, token.signature) and bool(jws.payload_of(token))


def test_the_good_token_of_these_tests_is_good():
    assert is_good(GOOD)


@pytest.mark.requirement(34)
@given(st.text() | st.lists(st.text(BASE64URL), min_size=3, max_size=3).map(".".join))
def test_any_text_is_refused_by_name(text):
    with pytest.raises(AccessTokenInvalidError):
        jws.read(text)


@pytest.mark.requirement(34)
@given(st.integers(0, len(GOOD) - 1), st.sampled_from(BASE64URL + ".=\u0661"))
def test_a_token_with_one_other_character_is_refused(place, character):
    changed = GOOD[:place] + character + GOOD[place + 1 :]

    if changed == GOOD:
        return
    with contextlib.suppress(AccessTokenInvalidError):
        assert not is_good(changed)
