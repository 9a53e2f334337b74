"""What of a contract stops the gateway before it serves a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from gatepost.v1.options_pb2 import GUARD_ACCESS, GUARD_PUBLIC, GUARD_UNSPECIFIED, Owner, guard, owner, sensitive
from http_gateway.answer_headers import fits_header, header_of
from http_gateway.bindings import Binding


def check_method(method: MethodDescriptor, bindings: Sequence[Binding]) -> None:
    """Raises ValueError where the method's guard or secrets are not safe to serve."""
    declared = method.GetOptions().Extensions[guard]
    if declared == GUARD_UNSPECIFIED:
        raise ValueError("no guard")
    if declared != GUARD_ACCESS and method.GetOptions().HasExtension(owner):
        raise ValueError("names an owner, whom only a method for signed-in users has")
    if declared == GUARD_ACCESS:
        _check_owner(method.input_type, method.GetOptions().Extensions[owner])
    for binding in bindings:
        for name in binding.template.fields:
            if _is_secret(method.input_type.fields_by_name[name]) and not _has_twin(name, bindings):
                raise ValueError(f"{name} is sensitive, and no twin takes it in the body")


def check_binding(binding: Binding) -> None:
    """Raises ValueError where the route does not fit its request, its answer or HTTP."""
    request, answer = binding.method.input_type, binding.method.output_type
    for name in binding.template.fields:
        field = request.fields_by_name.get(name)
        if field is None or field.is_repeated or field.message_type is not None:
            raise ValueError(f"{binding.route} has no scalar field {name} for its path")
    if binding.body not in ("", "*") and not _is_message(request, binding.body):
        raise ValueError(f"{binding.route} has no message field {binding.body} for its body")
    if binding.response_body and binding.response_body not in answer.fields_by_name:
        raise ValueError(f"{binding.route} has no field {binding.response_body} to answer")
    if binding.rest.form and not (binding.body == "*" and all(_is_text(request, f.name) for f in request.fields)):
        raise ValueError(f"{binding.route} takes a form, which its request as a whole must be, of strings alone")
    if binding.body and binding.verb in ("GET", "DELETE"):
        raise ValueError(f"{binding.route} takes a body, which {binding.verb} has none of")
    for field in binding.query_fields:
        for secret in _secrets_of(field):
            raise ValueError(f"{binding.route} takes {secret}, which is sensitive, from the query string")
    headers = [header_of(field) for field in answer.fields if header_of(field)]
    if len(set(headers)) < len(headers) or not all(fits_header(field) for field in answer.fields if header_of(field)):
        raise ValueError(f"{binding.route} has a header that is no x- header of its own, or of no text or bool")
    if binding.method.server_streaming and (binding.response_body or headers):
        raise ValueError(f"{binding.route} answers a stream, of which no field is the answer and none a header")
    _check_upload(binding)
    _check_raw(binding)
    if binding.rest.success_status not in (0, *range(200, 300)):
        raise ValueError(f"{binding.route} has a success_status that is no success")
    if binding.rest.refusal_status not in (0, *range(400, 500)):
        raise ValueError(f"{binding.route} has a refusal_status that is no refusal")


def check_bindings(bindings: Sequence[Binding]) -> None:
    """Raises ValueError where two bindings have one verb and one shape of path."""
    seen: dict[tuple[str, str], Binding] = {}
    for binding in bindings:
        other = seen.setdefault((binding.verb, binding.template.shape), binding)
        if other is not binding:
            raise ValueError(f"{binding.method.full_name}: {binding.route} is also a route of {other.method.full_name}")


def _check_owner(request: Descriptor, declared: Owner) -> None:
    if declared.caller and (declared.field or declared.or_operator):
        raise ValueError("owner.caller stands alone: it leaves nobody else to name")
    if not declared.caller and not _is_text(request, declared.field):
        raise ValueError("owner.field names no string field of the request")


def _check_upload(binding: Binding) -> None:
    upload, request = binding.rest.upload, binding.method.input_type
    if binding.method.client_streaming != binding.takes_file:
        raise ValueError(f"{binding.route} takes a stream of requests, or an upload, but not both")
    if not binding.takes_file:
        return
    if not upload.part or not _is_scalar(request, upload.chunk, FieldDescriptor.TYPE_BYTES):
        raise ValueError(f"{binding.route} names no part of a form, or no bytes field that takes it")
    if binding.body != "*" or {*binding.template.fields, upload.chunk} != set(request.fields_by_name):
        raise ValueError(f"{binding.route} takes a file as its body, and the rest of its request from its path")


def _check_raw(binding: Binding) -> None:
    raw, answer = binding.rest.raw, binding.method.output_type
    if not binding.answers_raw:
        return
    if not _is_scalar(answer, raw.content, FieldDescriptor.TYPE_BYTES) or not _is_text(answer, raw.media_type):
        raise ValueError(f"{binding.route} has no bytes field to answer, or no string field for its media type")
    if binding.response_body or binding.verb != "GET":
        raise ValueError(f"{binding.route} answers no JSON, so it is a GET and has no response_body")
    if raw.max_age_seconds and binding.guard != GUARD_PUBLIC:
        raise ValueError(f"{binding.route} answers what anybody may keep, but not everybody may have")


def _is_scalar(kind: Descriptor, name: str, of: int) -> bool:
    field = kind.fields_by_name.get(name)
    return field is not None and field.type == of and not field.is_repeated


def _is_text(kind: Descriptor, name: str) -> bool:
    return _is_scalar(kind, name, FieldDescriptor.TYPE_STRING)


def _is_message(kind: Descriptor, name: str) -> bool:
    field = kind.fields_by_name.get(name)
    return field is not None and field.message_type is not None and not field.is_repeated


def _is_secret(field: FieldDescriptor) -> bool:
    options: Any = field.GetOptions()
    return bool(options.Extensions[sensitive])


def _has_twin(name: str, bindings: Sequence[Binding]) -> bool:
    return any(other.body in ("*", name) and name not in other.template.fields for other in bindings)


def _secrets_of(field: FieldDescriptor, *above: Descriptor) -> Iterator[str]:
    """Names of the sensitive fields at and below a field."""
    if _is_secret(field):
        yield field.full_name
    kind = field.message_type
    if kind is None or kind in above:
        return
    for below in kind.fields:
        yield from _secrets_of(below, kind, *above)
