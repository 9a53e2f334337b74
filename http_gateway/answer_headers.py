"""Fields of an answer that travel in headers as well, for proxies that copy them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gatepost.v1.options_pb2 import header

HEADER_NAME = re.compile(r"x-[a-z0-9]+(-[a-z0-9]+)*")
_AS_IT_IS = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
_TEXTS: Mapping[int, Callable[[Any], str]] = {
    FieldDescriptor.TYPE_STRING: str,
    FieldDescriptor.TYPE_BOOL: lambda value: "true" if value else "false",
}


def header_of(field: FieldDescriptor) -> str:
    """The header that the field is written to; empty where it is in the JSON alone."""
    options: Any = field.GetOptions()
    name: str = options.Extensions[header]
    return name


def fits_header(field: FieldDescriptor) -> bool:
    """Whether a header can be of the field's name and hold its value."""
    return HEADER_NAME.fullmatch(header_of(field)) is not None and field.type in _TEXTS and not field.is_repeated


def header_writer_of(kind: Descriptor) -> Callable[[Any], dict[str, str]] | None:
    """What writes the headers of a message: all of them always, so that a proxy which copies them leaves no other.

    None for a message that has none.
    """
    fields = [(header_of(field), field.name, _TEXTS[field.type]) for field in kind.fields if header_of(field)]
    if not fields:
        return None
    return lambda message: {name: header_text(text(getattr(message, field))) for name, field, text in fields}


def header_text(value: str) -> str:
    """The value as a header can carry it and a percent-decoder read it (RFC 3986, 2.1)."""
    text = quote(value, safe=_AS_IT_IS)
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    return "%20" * before + inner + "%20" * (len(text) - before - len(inner))
