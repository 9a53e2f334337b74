"""Reads JSON values into the scalar values of protobuf (proto3 JSON), strictly.

Each reader takes what orjson made of a value and answers what a field takes,
or raises ValueError with a text that never holds the value.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

ValueReader = Callable[[Any], Any]

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,19})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,400})(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,4})?")
_FLOAT_MAX = 3.4028234663852886e38


def scalar_reader(field: FieldDescriptor) -> ValueReader:
    """The reader of one value of a field that is no message."""
    if field.enum_type is not None:
        return _enum_reader(field.enum_type)
    return _READERS[field.type]


def read_string(value: Any) -> str:
    """The value where it is a string; else ValueError."""
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def _read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _read_double(value: Any) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    number = float(value)
    # A string of digits may be beyond any double.
    if math.isinf(number):
        raise ValueError("must be a number that fits a double")
    return number


def _read_float(value: Any) -> float:
    number = _read_double(value)
    if abs(number) > _FLOAT_MAX:
        raise ValueError("must be a number that fits a float")
    return number


def _integer_reader(bits: int, *, signed: bool) -> ValueReader:
    low = -(1 << (bits - 1)) if signed else 0
    high = (1 << (bits - 1 if signed else bits)) - 1

    def read(value: Any) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("must be a whole number")
        if not low <= value <= high:
            raise ValueError(f"must be from {low} to {high}")
        return value

    return read


def _read_bytes(value: Any) -> bytes:
    text = read_string(value)
    try:
        # Both alphabets, with or without padding, as the proto3 JSON mapping says.
        plain = text.translate(_TO_STANDARD).rstrip("=")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64") from None


_TO_STANDARD = str.maketrans("-_", "+/")


def _enum_reader(kind: EnumDescriptor) -> ValueReader:
    by_name = {value.name: value.number for value in kind.values}
    numbers = frozenset(by_name.values())

    def read(value: Any) -> int:
        if isinstance(value, str) and value in by_name:
            return by_name[value]
        if isinstance(value, int) and not isinstance(value, bool) and value in numbers:
            return value
        raise ValueError("must be one of " + ", ".join(by_name))

    return read


_int32, _int64 = _integer_reader(32, signed=True), _integer_reader(64, signed=True)
_uint32, _uint64 = _integer_reader(32, signed=False), _integer_reader(64, signed=False)

_READERS: dict[int, ValueReader] = {
    FieldDescriptor.TYPE_STRING: read_string,
    FieldDescriptor.TYPE_BOOL: _read_bool,
    FieldDescriptor.TYPE_BYTES: _read_bytes,
    FieldDescriptor.TYPE_DOUBLE: _read_double,
    FieldDescriptor.TYPE_FLOAT: _read_float,
    FieldDescriptor.TYPE_INT32: _int32,
    FieldDescriptor.TYPE_SINT32: _int32,
    FieldDescriptor.TYPE_SFIXED32: _int32,
    FieldDescriptor.TYPE_INT64: _int64,
    FieldDescriptor.TYPE_SINT64: _int64,
    FieldDescriptor.TYPE_SFIXED64: _int64,
    FieldDescriptor.TYPE_UINT32: _uint32,
    FieldDescriptor.TYPE_FIXED32: _uint32,
    FieldDescriptor.TYPE_UINT64: _uint64,
    FieldDescriptor.TYPE_FIXED64: _uint64,
}
