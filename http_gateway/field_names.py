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
        self._body = binding.body

    def sent(self, path: str) -> str:
        """The path that the server names a field by, as the client knows it.

        `user.email_verified` is `emailVerified` where the body is the user and
        `user.emailVerified` elsewhere. What is not known stays as it is.
        """
        kind: Descriptor | None = self._kind
        names: list[str] = []
        parts = path.split(".")
        for depth, part in enumerate(parts):
            name, bracket, index = part.partition("[")
            field = kind.fields_by_name.get(name) if kind is not None else None
            if field is None:
                names += parts[depth:]
                break
            options: Any = field.GetOptions()
            beside = options.Extensions[flatten] or (depth == 0 and name == self._body)
            if not beside or depth == len(parts) - 1:
                names.append(field.json_name + bracket + index)
            kind = field.message_type
        return ".".join(names)
