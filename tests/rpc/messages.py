"""Hypothesis strategies for any message of the contract, made from its descriptor."""

from __future__ import annotations

from random import Random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

ODD_TEXTS = st.sampled_from(
    ["", "\0", "01890000-0000-7000-8000-000000000000", "a@b.org", "*", "é", "x" * 300, "%00", "'"]
)
# Long texts that do not compress: an index has room for 2,704 bytes.
LONG_TEXTS = st.integers(0, 2**32).map(
    lambda seed: "".join(map(chr, Random(seed).choices(range(0x4E00, 0x9FFF), k=2048)))
)
TEXTS = st.one_of(ODD_TEXTS, st.text(max_size=20), LONG_TEXTS)
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
DEEPEST = 4

SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_STRING: TEXTS,
    FieldDescriptor.TYPE_INT32: INT32,
    FieldDescriptor.TYPE_INT64: INT64,
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
    FieldDescriptor.TYPE_ENUM: INT32,
}


@st.composite
def messages(draw: st.DrawFn, kind: Descriptor, depth: int = 0) -> Message:
    """Any message of this kind: each field set or not, to any value that the wire can carry."""
    message = GetMessageClass(kind)()
    for field in kind.fields:
        if depth >= DEEPEST or not draw(st.booleans()):
            continue
        _fill(draw, field, message, depth)
    return message


def _fill(draw: st.DrawFn, field: FieldDescriptor, message: Message, depth: int) -> None:
    if field.message_type is None:
        value = SCALARS[field.type]
        if field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(value, max_size=3)))
        else:
            setattr(message, field.name, draw(value))
        return
    if field.message_type.GetOptions().map_entry:
        inner = draw(messages(field.message_type.fields_by_name["value"].message_type, depth + 1))
        getattr(message, field.name)[draw(TEXTS)].CopyFrom(inner)
        return
    inner = draw(messages(field.message_type, depth + 1))
    if field.is_repeated:
        getattr(message, field.name).append(inner)
    else:
        getattr(message, field.name).CopyFrom(inner)
