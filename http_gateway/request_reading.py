"""Makes the message of an RPC from the path, query string and body of a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.message_factory import GetMessageClass

from http_gateway.bindings import Binding
from http_gateway.forms import form_of
from http_gateway.json.fields import kind_of
from http_gateway.json.reading import MessageReader, object_of
from http_gateway.json.text_values import text_reader
from http_gateway.problems import RefusedError, Violation
from http_gateway.query import QueryReader

SHOWN_VIOLATIONS = 16


class RequestReader:
    """Reads the requests of one binding."""

    def __init__(self, binding: Binding) -> None:
        """Compiles the reader.

        Raises:
            ValueError: the request has a field that HTTP cannot carry there.
        """
        kind, body_field = binding.method.input_type, binding.body_field
        self._message = GetMessageClass(kind)
        self._path = [
            (field.name, field.json_name, text_reader(field))
            for field in (kind.fields_by_name[name] for name in binding.template.fields)
        ]
        self._query = QueryReader(binding.query_fields, ignores_unknown=binding.ignores_unknown_keys)
        self._body: MessageReader | None = None
        self._body_field = "" if body_field is None else body_field.name
        self._fills_mask = bool(self._body_field) and "update_mask" in kind.fields_by_name
        if body_field is not None:
            self._body = MessageReader(kind_of(body_field), ignores_unknown=binding.ignores_unknown_keys)
        elif binding.body and not binding.takes_file:
            self._body = MessageReader(
                kind, ignores_unknown=binding.ignores_unknown_keys, overruled=binding.template.fields
            )

    def read(self, values: Sequence[str], query: str, body: bytes, *, is_form: bool = False) -> Any:
        """The RPC's request, from the values of the path's fields, the raw query string and the body.

        Raises:
            RefusedError: the body is no JSON object and no form, or fields do not fit.
        """
        message = self._message()
        faults: list[Violation] = []
        if self._body is not None:
            self._read_body(self._body, body, message, faults, is_form=is_form)
        if query:
            self._query.read(query, message, faults)
        for (name, json_name, read), text in zip(self._path, values, strict=True):
            try:
                setattr(message, name, read(text))
            except ValueError as error:
                faults.append(Violation(json_name, str(error)))
        if faults:
            raise RefusedError("REQUEST_INVALID", "The request is not valid.", violations=faults[:SHOWN_VIOLATIONS])
        return message

    def _read_body(
        self, reader: MessageReader, body: bytes, message: Any, faults: list[Violation], *, is_form: bool
    ) -> None:
        if not self._body_field:
            reader.read(form_of(body) if is_form else object_of(body), message, "", faults)
            return
        if not body:  # not the same as an empty object: the field is missing
            return
        fields = object_of(body)
        held = getattr(message, self._body_field)
        held.SetInParent()
        paths = reader.read(fields, held, "", faults)
        if self._fills_mask:
            message.update_mask.paths.extend(dict.fromkeys(paths))
