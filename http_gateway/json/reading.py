"""Reads JSON objects into messages by readers compiled from their descriptors.

The mapping is proto3 JSON (protobuf.dev/programming-guides/json), strict, with
the contract's (flatten). google.protobuf.json_format costs ten times as much.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gatepost.v1.options_pb2 import flatten
from http_gateway.json.duplicates import find_key_twice
from http_gateway.json.fields import STRUCT, VALUE, Faults, Filler, Setter, kind_of, setter_of
from http_gateway.json.structs import fill_value
from http_gateway.problems import RefusedError, Violation

SHOWN_KEY_CHARACTERS = 64

Json = dict[str, Any]


def object_of(body: bytes) -> Json:
    """The JSON object that a body is; an empty body is an empty object.

    Raises:
        RefusedError: it is no JSON, or no object, or has a key twice.
    """
    try:
        found = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        detail = f"The body is not JSON (line {error.lineno}, column {error.colno})."
        raise RefusedError("JSON_INVALID", detail) from None
    if not isinstance(found, dict):
        raise RefusedError("REQUEST_INVALID", "The body must be a JSON object.")
    twice = find_key_twice(body, found)
    if twice is not None:
        violation = Violation(twice[:SHOWN_KEY_CHARACTERS], "is given twice")
        raise RefusedError("REQUEST_INVALID", "The request is not valid.", violations=[violation])
    return found


@dataclass(frozen=True, slots=True)
class _Key:
    """What a key of the JSON object leads to."""

    json_name: str
    mask_path: str
    holders: tuple[str, ...]
    """The flattened messages, from the outermost on, that hold the field."""
    put: Setter
    takes_null: bool


class MessageReader:
    """Reads JSON objects into messages of one kind.

    Keys are known by both names of a field, json_name and the proto's, except
    where a flattened Struct takes what is unknown: there a provider's own
    `user_id` must not be mistaken for ours. Keys in `overruled` (proto names)
    are read by somebody else and dropped.
    """

    def __init__(
        self, kind: Descriptor, *, ignores_unknown: bool, overruled: Collection[str] = (), above: Collection[str] = ()
    ) -> None:
        """Compiles the reader; `above` names the messages that this one is nested in.

        Raises:
            ValueError: two fields have one JSON key, or a field is of a kind
                that is not read from JSON.
        """
        self._ignores_unknown = ignores_unknown
        self._above = (*above, kind.full_name)
        self._rest: tuple[str, ...] = ()
        self._keys: dict[str, _Key] = {}
        self._add_fields(kind, ())
        for name in overruled:
            field = kind.fields_by_name[name]
            dropped = _Key(field.json_name, field.name, (), _drop, takes_null=True)
            self._keys |= {field.json_name: dropped, field.name: dropped}
        if self._rest:
            self._keys = {name: key for name, key in self._keys.items() if name == key.json_name}

    def read(self, fields: Json, into: Any, where: str, faults: Faults) -> list[str]:
        """Fills the message; answers the update-mask paths of the known keys, null ones included."""
        paths = []
        for name, value in fields.items():
            key = self._keys.get(name)
            if key is None:
                self._read_unknown(name, value, into, where, faults)
                continue
            if name != key.json_name and key.json_name in fields:
                faults.append(Violation(where + name, f"is given twice, the other time as {key.json_name}"))
                continue
            paths.append(key.mask_path)
            if value is None and not key.takes_null:
                continue
            try:
                key.put(_holder_of(into, key.holders), value, where + name, faults)
            except ValueError as error:
                faults.append(Violation(where + name, str(error)))
        return paths

    def fill(self, value: Any, into: Any, where: str, faults: Faults) -> None:
        """Fills a nested message from a JSON value, which must be an object."""
        if not isinstance(value, dict):
            raise ValueError("must be an object")
        into.SetInParent()
        self.read(value, into, where + ".", faults)

    def _read_unknown(self, name: str, value: Any, into: Any, where: str, faults: Faults) -> None:
        shown = where + name[:SHOWN_KEY_CHARACTERS]
        if self._rest:
            try:
                fill_value(value, _holder_of(into, self._rest).fields[name])
            except ValueError as error:
                faults.append(Violation(shown, str(error)))
        elif not self._ignores_unknown:
            faults.append(Violation(shown, "is not known here"))

    def _add_fields(self, kind: Descriptor, holders: tuple[str, ...]) -> None:
        for field in kind.fields:
            options: Any = field.GetOptions()
            if not options.Extensions[flatten]:
                self._add_field(field, holders)
            elif kind_of(field).full_name == STRUCT:
                self._rest = (*holders, field.name)
            else:
                self._add_fields(kind_of(field), (*holders, field.name))

    def _add_field(self, field: FieldDescriptor, holders: tuple[str, ...]) -> None:
        # What nobody reads is not built either, however large it is.
        unread = field.GetOptions().deprecated
        key = _Key(
            json_name=field.json_name,
            mask_path=".".join([*holders, field.name]),
            holders=holders,
            put=_drop if unread else setter_of(field, self._filler_of),
            takes_null=field.message_type is not None and field.message_type.full_name == VALUE,
        )
        for name in {field.json_name, field.name}:
            if name in self._keys:
                raise ValueError(f"{field.full_name}: another field has the JSON key {name}")
            self._keys[name] = key

    def _filler_of(self, kind: Descriptor) -> Filler:
        if kind.full_name in self._above or kind.GetOptions().map_entry:
            raise ValueError(f"{kind.full_name}: maps and messages within themselves cannot be read from JSON")
        if kind.full_name.startswith("google.protobuf.") and kind.fields:
            raise ValueError(f"{kind.full_name} cannot be read from JSON")
        return MessageReader(kind, ignores_unknown=self._ignores_unknown, above=self._above).fill


def _holder_of(message: Any, holders: tuple[str, ...]) -> Any:
    for name in holders:
        message = getattr(message, name)
    return message


def _drop(_into: Any, _value: Any, _where: str, _faults: Faults) -> None:
    """Leaves the field unset: the path has it, or nobody reads it."""
