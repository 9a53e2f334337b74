import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_gateway.json.duplicates import find_key_twice
from http_gateway.json.reading import object_of
from http_gateway.problems import RefusedError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"a":1,"a":1}', "a"),
        ('{"a" : 1, "a"\n:2}', "a"),
        ('{"a":1,"\\u0061":2}', "a"),
        ('{"a":{"b":1,"b":2}}', "b"),
        ('{"a":[0,{"b":1,"c":2,"b":3}]}', "b"),
        ('{"":1,"":2}', ""),
        ('{"a":":","a":"\\":"}', "a"),
        ('{"' + "k" * 80 + '":1,"' + "k" * 80 + '":2}', "k" * 64),
        ('{"a":' * 1000 + '{"b":1,"b":2}' + "}" * 1000, ""),
    ],
    ids=lambda text: text[:20],
)
def test_a_key_that_is_given_twice_is_refused(body, key):
    with pytest.raises(RefusedError) as refusal:
        object_of(body.encode())

    assert refusal.value.reason == "REQUEST_INVALID"
    [violation] = refusal.value.violations
    assert (violation.field, violation.detail) == (key, "is given twice")


@pytest.mark.parametrize(
    "body",
    [
        '{"a":"a","b":"a"}',
        '{"a":{"a":{"a":1}}}',
        '{"a":[{"a":1},{"a":1}]}',
        '{"a":"\\"a\\":","b":"\\\\"}',
        '{"a":"2026-01-02T03:04:05Z"}',
        '{"a":' * 1000 + "1" + "}" * 1000,
    ],
    ids=lambda text: text[:20],
)
def test_one_key_in_several_objects_is_none_given_twice(body):
    found = object_of(body.encode())

    assert list(found) == list(orjson.loads(body))


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.sampled_from([None, 1]), st.booleans())
def test_what_was_written_from_an_object_has_no_key_twice(value, indent, ascii_alone):
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_alone).encode()

    assert find_key_twice(body, value) is None
