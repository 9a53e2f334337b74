"""Writes messages as JSON by writers compiled from their descriptors.

The mapping is proto3 JSON with the contract's customs: 64-bit integers are
numbers, times have milliseconds, what is unset is null or left out
(omit_unset), and flattened messages stand beside the other keys.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask

from gatepost.v1.options_pb2 import flatten, omit_unset
from http_gateway.json.fields import STRUCT, kind_of
from http_gateway.json.structs import list_of, struct_of, value_of
from http_gateway.json.timestamps import timestamp_text

Writer = Callable[[Any], Any]


class MessageWriter:
    """Writes messages of one kind as JSON objects, keys in the order of the contract."""

    def __init__(self, kind: Descriptor, above: tuple[str, ...] = ()) -> None:
        """Compiles the writer; `above` names the messages that this one is nested in.

        Raises:
            ValueError: a field is of a kind that is not written as JSON, or
                two have one JSON key.
        """
        self._above = (*above, kind.full_name)
        self._unset: dict[str, Any] = {}
        self._fields: dict[FieldDescriptor, tuple[str, Writer | None]] = {}
        self._flattened: dict[FieldDescriptor, Writer] = {}
        self.keys: set[str] = set()
        options: Any = kind.GetOptions()
        for field in kind.fields:
            self._add(field, omits_unset=options.Extensions[omit_unset])

    def write(self, message: Any) -> dict[str, Any]:
        """The message as what orjson takes."""
        written = self._unset.copy()
        # ListFields answers what is set in one call; asking field by field costs more.
        for field, value in message.ListFields():
            known = self._fields.get(field)
            if known is None:
                written.update(self._flattened[field](value))
                continue
            key, convert = known
            written[key] = value if convert is None else convert(value)
        return written

    def _add(self, field: FieldDescriptor, *, omits_unset: bool) -> None:
        options: Any = field.GetOptions()
        if not options.Extensions[flatten]:
            self._declare(field, {field.json_name})
            self._fields[field] = field.json_name, self._writer_of(field)
            if not omits_unset:
                self._unset[field.json_name] = _unset_value(field)
        elif kind_of(field).full_name == STRUCT:
            self._flattened[field] = self._others_of
        else:
            beside = MessageWriter(kind_of(field), self._above)
            self._declare(field, beside.keys)
            self._flattened[field] = beside.write
            self._unset |= beside._unset

    def _declare(self, field: FieldDescriptor, keys: set[str]) -> None:
        if self.keys & keys:
            raise ValueError(f"{field.full_name}: another field has its JSON key")
        self.keys |= keys

    def _others_of(self, struct: Any) -> dict[str, Any]:
        """The keys of a flattened Struct; none stands for one that the contract declares."""
        return {key: value for key, value in struct_of(struct).items() if key not in self.keys}

    def _writer_of(self, field: FieldDescriptor) -> Writer | None:
        write = self._single_writer_of(field)
        if not field.is_repeated:
            return write
        return list if write is None else lambda values: [write(value) for value in values]

    def _single_writer_of(self, field: FieldDescriptor) -> Writer | None:
        if field.enum_type is not None:
            return _enum_writer(field.enum_type)
        if field.type == field.TYPE_BYTES:
            return _base64_text
        if field.message_type is None:
            return None
        return writer_of(field.message_type, self._above)


def writer_of(kind: Descriptor, above: tuple[str, ...] = ()) -> Writer:
    """What writes messages of a kind as JSON.

    Raises:
        ValueError: the kind, or one within it, is not written as JSON.
    """
    if kind.full_name in _WELL_KNOWN:
        return _WELL_KNOWN[kind.full_name]
    if kind.full_name in above or kind.GetOptions().map_entry:
        raise ValueError(f"{kind.full_name}: maps and messages within themselves cannot be written as JSON")
    if kind.full_name.startswith("google.protobuf.") and kind.fields:
        raise ValueError(f"{kind.full_name} cannot be written as JSON")
    return MessageWriter(kind, above).write


def _unset_value(field: FieldDescriptor) -> Any:
    if field.is_repeated:
        return []  # shared by all answers; nothing changes it
    if field.has_presence:
        return None
    return field.enum_type.values_by_number[0].name if field.enum_type is not None else field.default_value


def _enum_writer(kind: EnumDescriptor) -> Writer:
    names = {value.number: value.name for value in kind.values}
    return lambda number: names.get(number, number)


def _base64_text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _mask_text(mask: FieldMask) -> str:
    return mask.ToJsonString()


_WELL_KNOWN: dict[str, Writer] = {
    "google.protobuf.Timestamp": timestamp_text,
    "google.protobuf.FieldMask": _mask_text,
    "google.protobuf.Value": value_of,
    "google.protobuf.ListValue": list_of,
    STRUCT: struct_of,
}
