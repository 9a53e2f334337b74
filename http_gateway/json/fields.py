"""Puts JSON values into the fields of messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from http_gateway.json.structs import fill_list, fill_struct, fill_value
from http_gateway.json.timestamps import read_timestamp
from http_gateway.json.values import ValueReader, read_string, scalar_reader
from http_gateway.problems import Violation

STRUCT = "google.protobuf.Struct"
VALUE = "google.protobuf.Value"

Faults = list[Violation]
Setter = Callable[[Any, Any, str, Faults], None]
"""Puts a JSON value into a field of a message; raises ValueError, or adds the faults of what is nested."""
Filler = Callable[[Any, Any, str, Faults], None]
"""Puts a JSON value into a message; raises ValueError, or adds the faults of its fields."""

_MASK_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_CAPITAL = re.compile(r"[A-Z]")


def kind_of(field: FieldDescriptor) -> Descriptor:
    """The kind of message that a field holds; ValueError where it holds a scalar."""
    if field.message_type is None:
        raise ValueError(f"{field.full_name} is no message")
    return field.message_type


def mask_paths_of(text: str) -> list[str]:
    """The paths of a FieldMask in JSON, `a,bC.d`, by the names of the proto; ValueError where it is none."""
    paths = text.split(",") if text else []
    if not all(_MASK_PATH.fullmatch(path) for path in paths):
        raise ValueError("must be the names of fields, parted by commas")
    return [_CAPITAL.sub(lambda capital: "_" + capital[0].lower(), path) for path in paths]


def _fill_timestamp(value: Any, into: Any, _where: str, _faults: Faults) -> None:
    read_timestamp(value, into)


def _fill_mask(value: Any, into: Any, _where: str, _faults: Faults) -> None:
    into.paths.extend(mask_paths_of(read_string(value)))
    into.SetInParent()


def _fill_struct(value: Any, into: Any, _where: str, _faults: Faults) -> None:
    into.SetInParent()
    fill_struct(value, into)


def _fill_value(value: Any, into: Any, _where: str, _faults: Faults) -> None:
    fill_value(value, into)


def _fill_list(value: Any, into: Any, _where: str, _faults: Faults) -> None:
    into.SetInParent()
    fill_list(value, into)


WELL_KNOWN: dict[str, Filler] = {
    "google.protobuf.Timestamp": _fill_timestamp,
    "google.protobuf.FieldMask": _fill_mask,
    "google.protobuf.ListValue": _fill_list,
    STRUCT: _fill_struct,
    VALUE: _fill_value,
}


def setter_of(field: FieldDescriptor, filler_of: Callable[[Descriptor], Filler]) -> Setter:
    """What puts a JSON value into the field; `filler_of` makes the filler of a message of the contract."""
    if field.message_type is None:
        read = scalar_reader(field)
        return _scalars_setter(field.name, read) if field.is_repeated else _scalar_setter(field, read)
    fill = WELL_KNOWN.get(kind_of(field).full_name) or filler_of(kind_of(field))
    return _messages_setter(field.name, fill) if field.is_repeated else _message_setter(field.name, fill)


def _scalar_setter(field: FieldDescriptor, read: ValueReader) -> Setter:
    name = field.name

    def put(into: Any, value: Any, _where: str, _faults: Faults) -> None:
        setattr(into, name, read(value))

    return put


def _message_setter(name: str, fill: Filler) -> Setter:
    def put(into: Any, value: Any, where: str, faults: Faults) -> None:
        fill(value, getattr(into, name), where, faults)

    return put


def _scalars_setter(name: str, read: ValueReader) -> Setter:
    def put(into: Any, value: Any, where: str, faults: Faults) -> None:
        found = getattr(into, name)
        for index, element in enumerate(_array_of(value)):
            try:
                found.append(read(element))
            except ValueError as error:
                faults.append(Violation(f"{where}[{index}]", str(error)))

    return put


def _messages_setter(name: str, fill: Filler) -> Setter:
    def put(into: Any, value: Any, where: str, faults: Faults) -> None:
        found = getattr(into, name)
        for index, element in enumerate(_array_of(value)):
            try:
                fill(element, found.add(), f"{where}[{index}]", faults)
            except ValueError as error:
                faults.append(Violation(f"{where}[{index}]", str(error)))

    return put


def _array_of(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("must be an array")
    return value
