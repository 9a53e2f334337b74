"""Reads the text of a path or a query string into the scalar values of protobuf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from http_gateway.json.values import scalar_reader

_BOOLS = {"true": True, "false": False}


def text_reader(field: FieldDescriptor) -> Callable[[str], Any]:
    """The reader of one value of a scalar field; it raises ValueError with a text that never holds the value."""
    if field.type == field.TYPE_BOOL:
        return _bool_of
    read = scalar_reader(field)
    if field.enum_type is None:
        return read
    return lambda text: read(int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else text)


def _bool_of(text: str) -> bool:
    if text not in _BOOLS:
        raise ValueError("must be true or false")
    return _BOOLS[text]
