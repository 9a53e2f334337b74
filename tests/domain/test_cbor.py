import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.cbor import MOST_LEVELS, end_of_item

PLAIN = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=40) | st.booleans() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(0, 9), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def levels_of(value):
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(levels_of, inner), default=0)


@given(PLAIN.filter(lambda value: levels_of(value) <= MOST_LEVELS), st.binary(max_size=9))
def test_an_item_ends_where_another_begins(value, after):
    written = cbor2.dumps(value)

    assert end_of_item(b"?" + written + after, 1) == 1 + len(written)


BAD = {
    "nothing": b"",
    "a tag": b"\xc1\x00",
    "a tag within": b"\x81\xd8\x23\x61a",
    "an indefinite string": b"\x5f\x41a\xff",
    "an indefinite list": b"\x9f\xff",
    "a reserved length": b"\x1c",
    "five levels": b"\x81" * (MOST_LEVELS + 1) + b"\x00",
    "a string that ends too early": b"\x45abc",
    "a list that ends too early": b"\x82\x00",
    "a length that ends too early": b"\x19\x00",
    "a list of thousands": b"\x99\x20\x00" + b"\x80" * 8192,
    "a list without end": b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff\x00",
}


@pytest.mark.parametrize("what", BAD)
def test_what_could_harm_a_decoder_is_refused(what):
    with pytest.raises(ValueError, match=r".+"):
        end_of_item(BAD[what])
