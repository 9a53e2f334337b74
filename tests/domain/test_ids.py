from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.ids import find_id, get_user_id, id_of, new_id


def test_a_new_id_is_a_uuid_of_version_7():
    made = new_id()

    assert (made.version, made.variant) == (7, "specified in RFC 4122")


@given(st.integers(0, 2**48 - 2), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ids_sort_by_the_millisecond_they_were_made(milliseconds, one, other):
    assert id_of(milliseconds, one) < id_of(milliseconds + 1, other)


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_every_id_is_of_version_7(milliseconds, random):
    assert id_of(milliseconds, random).version == 7


@given(st.uuids())
def test_an_id_is_found_in_either_case(user_id):
    assert find_id(str(user_id)) == find_id(str(user_id).upper()) == user_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "non-existent",
        "\0",
        "{01890000-0000-7000-8000-000000000000}",
        "01890000000070008000000000000000",
        "٣" * 36,
    ],
)
def test_other_spellings_are_nobodys_id(text):
    assert find_id(text) is None
    with pytest.raises(UserNotFoundError):
        get_user_id(text)


def test_a_user_id_is_got_from_its_text():
    user_id = UUID("01890000-0000-7000-8000-000000000000")

    assert get_user_id(str(user_id)) == user_id
