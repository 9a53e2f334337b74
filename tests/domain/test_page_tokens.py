from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.errors import PageTokenInvalidError
from auth_server.domain.page_tokens import row_before, size_of, token_after

KEY = b"k" * 32


@given(st.uuids(), st.text())
def test_a_page_token_leads_to_the_row_that_it_was_made_for(last, search):
    assert row_before(token_after(last, search, KEY), search, KEY) == last


@pytest.mark.requirement(16)
def test_a_page_token_is_refused_with_another_search():
    token = token_after(uuid4(), "ann", KEY)

    with pytest.raises(PageTokenInvalidError):
        row_before(token, "bob", KEY)


@pytest.mark.requirement(16)
def test_a_page_token_of_another_key_is_refused():
    token = token_after(uuid4(), "ann", b"other" * 8)

    with pytest.raises(PageTokenInvalidError):
        row_before(token, "ann", KEY)


@given(st.text(max_size=60))
@pytest.mark.requirement(16)
def test_no_other_text_is_a_page_token(text):
    with pytest.raises(PageTokenInvalidError):
        row_before(text or "x", "", KEY)


@pytest.mark.requirement(16)
@pytest.mark.parametrize(("asked", "size"), [(0, 50), (1, 1), (200, 200), (201, 200), (2**31 - 1, 200)])
def test_a_page_size_is_coerced(asked, size):
    assert size_of(asked) == size
