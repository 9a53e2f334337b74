"""Names the fields of a request as the client sent them."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor

from gatepost.v1.options_pb2 import flatten
from http_gateway.bindings import Binding


class FieldNames:
    """The names of the fields of one binding's request."""

    def __init__(self, binding: Binding) -> None:
        self._kind = binding.method.input_type
        self._body_field = binding.body_field
        self._upload = binding.rest.upload

    def sent(self, path: str) -> str:
        """The path that the server names a field by, as the client knows it.

        Where the body is the request's `user`, both `user.email_verified` and
        an update mask's `email_verified` are `emailVerified`. The file of a
        form is known by its part. What is not known stays as it is.
        """
        if self._upload.chunk and path == self._upload.chunk:
            return self._upload.part
        parts = path.split(".")
        body = self._body_field
        if body is None:
            return _sent(self._kind, parts)
        if parts[0] == body.name:
            return _sent(body.message_type, parts[1:]) or body.json_name
        first = parts[0].partition("[")[0]
        return _sent(self._kind if first in self._kind.fields_by_name else body.message_type, parts)


def _sent(kind: Descriptor | None, parts: list[str]) -> str:
    names: list[str] = []
    for depth, part in enumerate(parts):
        name, bracket, index = part.partition("[")
        field = kind.fields_by_name.get(name) if kind is not None else None
        if field is None:
            return ".".join([*names, *parts[depth:]])
        options: Any = field.GetOptions()
        is_last = depth == len(parts) - 1
        if is_last or not options.Extensions[flatten]:
            names.append(field.json_name + bracket + index)
        kind = field.message_type
    return ".".join(names)
