from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.access_tokens import AccessToken
from auth_server.domain.refresh_answers import open_answer, seal_answer
from auth_server.domain.refresh_tokens import TokenPair
from auth_server.domain.secrets import SealBrokenError, new_token, token_hash

FAMILY = UUID("01890000-0000-7000-8000-000000000002")
PAIR = TokenPair(AccessToken("header.claims.signature", datetime(2026, 5, 1, 12, tzinfo=UTC)), new_token())
TOKEN = new_token()


@pytest.mark.requirement(38)
@given(st.text(st.characters(codec="ascii"), max_size=3000), st.integers(0, 2**33), st.integers(1, 2**31 - 1))
def test_an_answer_opens_to_the_letter(access_token, expires, generation):
    pair = TokenPair(AccessToken(access_token, datetime.fromtimestamp(expires, tz=UTC)), new_token())

    assert open_answer(seal_answer(pair, TOKEN, FAMILY, generation), TOKEN, FAMILY, generation) == pair


@pytest.mark.requirement(58)
@pytest.mark.parametrize(
    "token",
    [new_token(), TOKEN.upper(), token_hash(TOKEN).hex(), PAIR.refresh_token, ""],
    ids=["another", "spelled otherwise", "its hash", "its successor", "none"],
)
def test_only_the_token_that_was_presented_opens_it(token):
    sealed = seal_answer(PAIR, TOKEN, FAMILY, 1)

    with pytest.raises(SealBrokenError):
        open_answer(sealed, token, FAMILY, 1)


@pytest.mark.requirement(58)
@pytest.mark.parametrize(("family_id", "generation"), [(uuid4(), 1), (FAMILY, 2)], ids=["family", "generation"])
def test_it_opens_in_its_own_place_alone(family_id, generation):
    sealed = seal_answer(PAIR, TOKEN, FAMILY, 1)

    with pytest.raises(SealBrokenError):
        open_answer(sealed, TOKEN, family_id, generation)


@given(st.integers(0, 300), st.integers(1, 255))
def test_a_changed_answer_does_not_open(position, change):
    sealed = bytearray(seal_answer(PAIR, TOKEN, FAMILY, 1))
    sealed[position % len(sealed)] ^= change

    with pytest.raises(SealBrokenError):
        open_answer(bytes(sealed), TOKEN, FAMILY, 1)


@given(st.binary(max_size=60))
def test_what_was_never_sealed_does_not_open(sealed):
    with pytest.raises(SealBrokenError):
        open_answer(sealed, TOKEN, FAMILY, 1)


def test_one_answer_is_sealed_differently_each_time():
    assert seal_answer(PAIR, TOKEN, FAMILY, 1) != seal_answer(PAIR, TOKEN, FAMILY, 1)
