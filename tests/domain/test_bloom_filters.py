import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.bloom_filters import BloomFilter, NoFilterError


@given(st.sets(st.text(max_size=20), max_size=50))
def test_what_was_put_in_is_always_found(texts):
    made = BloomFilter.of(texts, 0.01)

    assert all(text in made for text in texts)
    assert made.size == len(texts)


def test_the_share_of_texts_that_only_seem_to_be_in_it_is_the_one_asked_for():
    made = BloomFilter.of({f"in {number}" for number in range(2000)}, 0.01)

    wrong = sum(f"out {number}" in made for number in range(20_000))

    assert made.false_positives == pytest.approx(0.01, rel=0.2)
    assert 100 < wrong < 300


def test_a_filter_comes_back_from_its_bytes():
    made = BloomFilter.of({"one", "two"}, 0.001)

    assert BloomFilter.read(made.stored) == made


def test_an_empty_filter_holds_nothing():
    made = BloomFilter.of((), 0.001)

    assert "" not in made
    assert 5 not in made


@pytest.mark.parametrize("stored", [b"", b"gpbloom1", b"another file, which is long enough"])
def test_other_bytes_are_no_filter(stored):
    with pytest.raises(NoFilterError):
        BloomFilter.read(stored)
