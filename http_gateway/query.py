"""Reads the query string into a message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from http_gateway.json.fields import Faults, kind_of, mask_paths_of
from http_gateway.json.text_values import text_reader
from http_gateway.json.timestamps import read_timestamp
from http_gateway.problems import Violation
from http_gateway.templates import decoded

SHOWN_NAME_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class _Parameter:
    """What a name in the query string leads to."""

    field: FieldDescriptor
    put: Callable[[Any, str], None]
    """Puts a text into the field; raises ValueError where it does not fit."""


class QueryReader:
    """Reads query parameters into the fields of one kind of message.

    A parameter has the name of its field, json_name or the proto's. A repeated
    field takes the parameter any number of times.
    """

    def __init__(self, fields: Iterable[FieldDescriptor], *, ignores_unknown: bool) -> None:
        """Compiles the reader.

        Raises:
            ValueError: a field is of a kind that a query string cannot hold.
        """
        self._ignores_unknown = ignores_unknown
        self._parameters: dict[str, _Parameter] = {}
        for field in fields:
            parameter = _Parameter(field, _setter_of(field))
            self._parameters |= {field.json_name: parameter, field.name: parameter}

    def read(self, query: str, into: Any, faults: Faults) -> None:
        """Fills the message; what does not fit is added to the faults."""
        seen = set()
        for name, text in _pairs_of(query):
            parameter = self._parameters.get(name)
            if parameter is None:
                if not self._ignores_unknown:
                    faults.append(Violation(name[:SHOWN_NAME_CHARACTERS], "is not known here"))
                continue
            if parameter.field.name in seen and not parameter.field.is_repeated:
                faults.append(Violation(name, "is given twice"))
                continue
            seen.add(parameter.field.name)
            try:
                parameter.put(into, text)
            except ValueError as error:
                faults.append(Violation(name, str(error)))


def _pairs_of(query: str) -> Iterator[tuple[str, str]]:
    """Names and values, percent-decoded; a plus stays a plus, since the article's client does not encode emails."""
    for pair in query.split("&"):
        name, _, text = pair.partition("=")
        if pair:
            yield decoded(name), decoded(text)


def _setter_of(field: FieldDescriptor) -> Callable[[Any, str], None]:
    name = field.name
    if field.message_type is not None:
        return _message_setter(field)
    read = text_reader(field)
    if field.is_repeated:
        return lambda into, text: getattr(into, name).append(read(text))
    return lambda into, text: setattr(into, name, read(text))


def _message_setter(field: FieldDescriptor) -> Callable[[Any, str], None]:
    name, kind = field.name, kind_of(field).full_name
    if kind == "google.protobuf.Timestamp" and not field.is_repeated:
        return lambda into, text: read_timestamp(text, getattr(into, name))
    if kind == "google.protobuf.FieldMask" and not field.is_repeated:
        return lambda into, text: getattr(into, name).paths.extend(mask_paths_of(text))
    raise ValueError(f"{field.full_name} cannot be read from a query string")
