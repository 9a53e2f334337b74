"""The answers of each route in the OpenAPI document: what it answers, and how it may refuse."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from google.protobuf.descriptor import Descriptor
from grpc import StatusCode

from buf.validate.validate_pb2 import FieldRules
from buf.validate.validate_pb2 import field as rules_of_field
from gatepost.v1.errors_pb2 import ErrorReason
from gatepost.v1.options_pb2 import GUARD_PUBLIC
from http_gateway.answer_headers import header_of
from http_gateway.bindings import Binding
from http_gateway.openapi.comments import Comments
from http_gateway.openapi.schemas import Schema, Schemas, or_null
from http_gateway.problems import CLIENT_CLOSED_REQUEST, HTTP_STATUS

PROBLEM: Schema = {
    "type": "object",
    "description": "A refusal (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "`urn:gatepost:error:` and the reason."},
        "title": {"type": "string", "description": "The reason in plain words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What went wrong, for people."},
        "instance": {"type": "string", "format": "uri", "description": "`urn:gatepost:request:` and the request id."},
        "reason": {"$ref": "#/components/schemas/ErrorReason"},
        "request_id": {"type": "string", "description": "What the logs know the request by."},
        "message": {"type": "string", "description": "The same as detail."},
        "rule": {"type": "string", "description": "Which rule is broken, of several that share the reason."},
        "metadata": {
            "type": "object",
            "description": "What there is to go on with, such as the `challenge` of SECOND_FACTOR_REQUIRED.",
            "additionalProperties": {"type": "string"},
        },
        "errors": {
            "type": "array",
            "description": "The fields that break their rules.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["field", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "reason", "request_id", "message"],
}

RETRY_AFTER: Schema = {
    "description": "Seconds until another try makes sense (RFC 9110, 10.2.3).",
    "schema": {"type": "integer", "minimum": 0},
}

_CODE = re.compile(r"\((?P<code>[A-Z_]+)(?:; HTTP (?P<status>\d{3}))?")
_ANY = ["REQUEST_INVALID", "DEADLINE_EXCEEDED", "SERVER_UNAVAILABLE", "INTERNAL"]
_WITH_BODY = ["JSON_INVALID", "REQUEST_TOO_LARGE", "MEDIA_TYPE_UNSUPPORTED"]


class Answers:
    """What the routes of a contract answer."""

    def __init__(self, schemas: Schemas, comments: Comments) -> None:
        self._schemas = schemas
        self._comments = comments
        self._status_of = self._statuses()
        self._says_when = {reason for reason in self._status_of if "RetryInfo" in self._comment_of(reason)}

    def of(self, binding: Binding) -> Schema:
        """The `responses` of a route's operation, by status."""
        success = str(binding.rest.success_status or 200)
        answers = {
            success: {
                "description": self._comments.of(binding.method.output_type.full_name).all,
                "content": _raw(binding) if binding.answers_raw else _json(self._success(binding)),
            }
        }
        if headers := self._headers(binding.method.output_type):
            answers[success]["headers"] = headers
        by_status: dict[int, list[str]] = {}
        for reason in self._reasons(binding):
            status = self._status_of[reason]
            if status < 500 and binding.rest.refusal_status:
                status = binding.rest.refusal_status
            by_status.setdefault(status, []).append(reason)
        for status, reasons in sorted(by_status.items()):
            answers[str(status)] = self._refusal(status, reasons, binding)
        return answers

    def _headers(self, kind: Descriptor) -> Schema:
        """The headers that fields of the answer are written to as well."""
        return {
            header_of(field): {
                "description": f"{self._comments.of(field.full_name).text} Percent-encoded where it is not ASCII.",
                "schema": {"type": "string"},
            }
            for field in kind.fields
            if header_of(field)
        }

    def _success(self, binding: Binding) -> Schema:
        kind = binding.method.output_type
        if binding.method.server_streaming:
            return {"type": "array", "items": self._schemas.answered(kind)}
        if not binding.response_body:
            return self._schemas.answered(kind)
        field = kind.fields_by_name[binding.response_body]
        schema = self._schemas.answered_value(field)
        return or_null(schema) if field.has_presence else schema

    def _refusal(self, status: int, reasons: list[str], binding: Binding) -> Schema:
        title = HTTPStatus(status).phrase if status != CLIENT_CLOSED_REQUEST else "Client closed request"
        answer: Schema = {"description": f"{title}: {', '.join(sorted(reasons))}."}
        if not self._says_when.isdisjoint(reasons):
            answer["headers"] = {"Retry-After": RETRY_AFTER}
        if status >= 500 and binding.rest.empty_server_error:
            return answer
        return answer | {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}

    def _reasons(self, binding: Binding) -> list[str]:
        """The reasons in the comments of the method and its service, and those that any route may give."""
        method = binding.method
        named = [
            *self._comments.of(method.full_name).reasons,
            *self._comments.of(method.containing_service.full_name).reasons,
            *_ANY,
            *(_WITH_BODY if binding.body else []),
            *(["CREDENTIAL_MISSING"] if binding.guard != GUARD_PUBLIC else []),
        ]
        return [reason for reason in dict.fromkeys(named) if reason in self._status_of]

    def _statuses(self) -> dict[str, int]:
        """The HTTP status of each reason, from the code that its comment names."""
        found = {}
        for value in ErrorReason.DESCRIPTOR.values:
            reason = value.name.removeprefix("ERROR_REASON_")
            if named := _CODE.search(self._comment_of(reason)):
                by_code = HTTP_STATUS[StatusCode[named["code"]]]
                found[reason] = int(named["status"] or by_code)
        return found

    def _comment_of(self, reason: str) -> str:
        return self._comments.of(f"{ErrorReason.DESCRIPTOR.full_name}.ERROR_REASON_{reason}").text


def _raw(binding: Binding) -> dict[str, Any]:
    """The media types that the answer may be of, as the rules of the field say that names it."""
    field = binding.method.output_type.fields_by_name[binding.rest.raw.media_type]
    rules: FieldRules = field.GetOptions().Extensions[rules_of_field]
    kinds = getattr(rules.string, "in") or ["application/octet-stream"]
    return {kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in kinds}


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
