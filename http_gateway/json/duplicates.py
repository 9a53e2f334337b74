"""Finds keys that a JSON object has twice, of which orjson would take the last without a word.

Parsers differ in which one they take (RFC 8259, section 4): what a proxy has let pass for the one, we would act on by
the other.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Every string of a JSON text, and whether it is a key.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"[ \t\r\n]*+(:)?', re.DOTALL)


class _KeyTwiceError(Exception):
    """An object has this key twice."""


def find_key_twice(body: bytes, found: dict[str, Any]) -> str | None:
    """A key that some object in the body has twice; `found` is what the body, which is JSON, was read as."""
    keys = _number_of_keys(found)
    # No colon but those behind keys, which is often so and cheaper to see.
    if body.count(b":") == keys or _STRINGS.findall(body).count(b":") == keys:
        return None
    try:
        json.loads(body, object_pairs_hook=_object_of)
    except _KeyTwiceError as error:
        return str(error)
    except RecursionError:  # deeper than Python reads; the count has said it all the same
        return ""
    return None


def _number_of_keys(value: Any) -> int:
    """How many keys there are, at any depth, without a call for each level: there may be a thousand."""
    number, left = 0, [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            number += len(each)
            each = each.values()
        left += [inner for inner in each if isinstance(inner, dict | list)]
    return number


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise _KeyTwiceError(key)
        seen[key] = value
    return seen
