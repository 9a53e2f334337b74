"""Hypothesis strategies for any message of the contract, made from its descriptor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

from http_gateway.json.fields import kind_of
from tests.people import PASSWORD

ODD_TEXTS = st.sampled_from(
    ["", "\0", "01890000-0000-7000-8000-000000000000", "a@b.org", "*", "é", "x" * 300, "%00", "'"]
)
# Long texts that do not compress: an index has room for 2,704 bytes.
LONG_TEXTS = st.integers(0, 2**32).map(
    lambda seed: "".join(map(chr, Random(seed).choices(range(0x4E00, 0x9FFF), k=2048)))
)
# What the callers have, as it is by the time of the call: see filled.
KNOWN = ("user", "other user", "email", "sign-in", "session", "access token", "refresh token", "reset token", "account")
TEXTS = st.one_of(
    st.sampled_from([f"<{name}>" for name in KNOWN]), ODD_TEXTS, st.text(max_size=20), st.just("google"), LONG_TEXTS
)
# What fits a field of this name, so that calls get past its rules.
FITTING = {
    "id": ["<user>", "<sign-in>", "<other user>"],
    "user_id": ["<user>", "<other user>"],
    "email": ["<email>", "ada@example.org"],
    "new_email": ["<email>", "ada@example.org"],
    "password": [PASSWORD],
    "current_password": [PASSWORD],
    "new_password": ["staple of another horse", PASSWORD],
    "session_token": ["<session>"],
    "token": ["<reset token>", "<access token>", "<refresh token>", "<session>"],
    "access_token": ["<access token>"],
    "provider": ["google"],
    "provider_account_id": ["<account>"],
    "request_id": ["01890000-0000-4000-8000-000000000000"],
    "paths": ["name", "email", "email_verified", "image", "profile", "locale"],
    "type": ["oauth"],
    "name": ["Ada"],
    "locale": ["en", "fr-CA"],
}
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
DEEPEST = 4
HEADERS = st.sampled_from(["authorization", "cookie", "a"])
_MOSTLY = st.sampled_from([False, True, True, True])

SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_STRING: TEXTS,
    FieldDescriptor.TYPE_INT32: INT32,
    FieldDescriptor.TYPE_INT64: INT64,
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_FLOAT: st.floats(width=32),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
    FieldDescriptor.TYPE_ENUM: INT32,
}


@st.composite
def messages(draw: st.DrawFn, kind: Descriptor, depth: int = 0) -> Message:
    """Any message of this kind: each field set or not, to any value that the wire can carry."""
    message = GetMessageClass(kind)()
    for field in kind.fields:
        if depth >= DEEPEST or not draw(_MOSTLY):
            continue
        _fill(draw, field, message, depth)
    return message


def filled(message: Message, known: Mapping[str, str]) -> Message:
    """The message, with what is known in the place of its name, `<email>`, wherever that is a text."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in _messages_in(field, value):
                filled(inner, known)
        elif field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated and value[:1] == "<":
            setattr(message, field.name, known.get(value[1:-1], value))
    return message


def _messages_in(field: FieldDescriptor, value: Any) -> Iterable[Message]:
    if not field.is_repeated:
        return [value]
    if kind_of(field).GetOptions().map_entry:
        return [inner for inner in value.values() if isinstance(inner, Message)]
    return list(value)


def _fill(draw: st.DrawFn, field: FieldDescriptor, message: Message, depth: int) -> None:
    if field.message_type is None:
        fitting = FITTING.get(field.name) if field.type == FieldDescriptor.TYPE_STRING else None
        value = st.sampled_from(fitting) if fitting and draw(_MOSTLY) else SCALARS[field.type]
        if field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(value, max_size=3)))
        else:
            setattr(message, field.name, draw(value))
        return
    if field.message_type.GetOptions().map_entry:
        _fill_map(draw, field, getattr(message, field.name), depth)
        return
    inner = draw(messages(kind_of(field), depth + 1))
    if field.is_repeated:
        getattr(message, field.name).append(inner)
    else:
        getattr(message, field.name).CopyFrom(inner)


def _fill_map(draw: st.DrawFn, field: FieldDescriptor, entries: Any, depth: int) -> None:
    value = kind_of(field).fields_by_name["value"]
    for key in draw(st.lists(st.one_of(HEADERS, TEXTS), max_size=3)):
        if value.message_type is not None:
            entries[key].CopyFrom(draw(messages(kind_of(value), depth + 1)))
        else:
            entries[key] = draw(SCALARS[value.type])
