"""Open-ended JSON (google.protobuf.Struct, Value and ListValue), both ways."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value

# Three messages deep for each level of JSON; protobuf reads no more than 100.
DEPTH_LIMIT = 24
_WHOLE_LIMIT = 2.0**63


def fill_value(value: Any, into: Value, depth: int = 1) -> None:
    """Sets the Value to a JSON value.

    Raises:
        ValueError: it is nested deeper than DEPTH_LIMIT.
    """
    if depth > DEPTH_LIMIT:
        raise ValueError(f"must not be nested deeper than {DEPTH_LIMIT} levels")
    if value is None:
        into.null_value = 0  # type: ignore[assignment]  # NULL_VALUE, whose stub knows the name only
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, str):
        into.string_value = value
    elif isinstance(value, dict):
        into.struct_value.SetInParent()
        fill_struct(value, into.struct_value, depth)
    elif isinstance(value, list):
        into.list_value.SetInParent()
        fill_list(value, into.list_value, depth)
    else:
        into.number_value = value


def fill_struct(fields: Any, into: Struct, depth: int = 1) -> None:
    """Adds the keys of a JSON object to the Struct; ValueError where it is none, or nested too deep."""
    if not isinstance(fields, dict):
        raise ValueError("must be an object")
    for key, value in fields.items():
        fill_value(value, into.fields[key], depth + 1)


def fill_list(values: Any, into: ListValue, depth: int = 1) -> None:
    """Adds the elements of a JSON array to the ListValue; ValueError where it is none, or nested too deep."""
    if not isinstance(values, list):
        raise ValueError("must be an array")
    for value in values:
        fill_value(value, into.values.add(), depth + 1)


def value_of(value: Value) -> Any:
    """The Value as JSON; whole numbers are integers, as they were sent."""
    kind = value.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    if kind == "struct_value":
        return struct_of(value.struct_value)
    if kind == "list_value":
        return list_of(value.list_value)
    if kind == "number_value":
        return number_of(value.number_value)
    return getattr(value, kind)


def struct_of(struct: Struct) -> dict[str, Any]:
    """The Struct as a JSON object, in the order of its keys, since a Struct keeps none of its own."""
    return {key: value_of(struct.fields[key]) for key in sorted(struct.fields)}


def list_of(values: ListValue) -> list[Any]:
    """The ListValue as a JSON array."""
    return [value_of(value) for value in values.values]


def number_of(number: float) -> int | float:
    """The number as an integer where it is whole and fits 64 bits."""
    return int(number) if number.is_integer() and abs(number) < _WHOLE_LIMIT else number
