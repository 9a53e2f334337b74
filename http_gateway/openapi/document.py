"""Writes the OpenAPI document of the contract, from the descriptors that the gateway serves.

`python -m http_gateway.openapi contract.binpb` writes it to standard output.
The descriptor set brings the comments (protoc --include_source_info).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gatepost.v1.errors_pb2 import ErrorReason
from gatepost.v1.options_pb2 import Guard
from http_gateway.bindings import Binding
from http_gateway.contract import contract_services, read_bindings
from http_gateway.credentials import admits_operators
from http_gateway.file_forms import MEDIA_TYPE as FILE_FORM
from http_gateway.forms import MEDIA_TYPE as FORM
from http_gateway.json.fields import kind_of
from http_gateway.openapi.answers import PROBLEM, Answers
from http_gateway.openapi.comments import Comments
from http_gateway.openapi.schemas import Schema, Schemas

DESCRIPTION = (
    "Users, accounts, sessions and tokens for a NextAuth front end and the services behind it. "
    "Every refusal is an RFC 9457 problem with a `reason`. Any request may carry `x-request-id` (1 to 64 letters, "
    "digits, dots, hyphens or underscores), which the answer repeats, and `grpc-timeout` (like `500m` or `3S`), "
    "which is how long the client waits. Each path is also served with a slash at its end."
)
SECURITY_SCHEMES = {
    "GUARD_ADAPTER": {
        "type": "apiKey",
        "in": "header",
        "name": "x-auth-secret",
        "description": "The secret that the front end's server shares with Gatepost.",
    },
    "GUARD_ACCESS": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A signed-in user's access token: `authorization: Bearer <token>`.",
    },
    "GUARD_OPERATOR": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a user whose role is operator: `authorization: Bearer <token>`.",
    },
    "GUARD_SERVICE": {
        "type": "http",
        "scheme": "basic",
        "description": "An internal service's name and secret: `authorization: Basic <base64 of name:secret>`. Where "
        "operators are asked for, the service's allow-list must name the very method.",
    },
    "GUARD_SIGNED_IN": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A signed-in user's access token: `authorization: Bearer <token>`; or, without one, the cookie "
        "of a NextAuth database session.",
    },
    "GUARD_REFRESH": {
        "type": "http",
        "scheme": "Refresh",
        "description": "A refresh token: `authorization: Refresh <token>`.",
    },
}


def document_of(bindings: Sequence[Binding], comments: Comments) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the bindings."""
    schemas = Schemas(comments)
    answers = Answers(schemas, comments)
    paths: dict[str, Schema] = {}
    for binding in bindings:
        path = paths.setdefault(_path_of(binding), {})
        path[binding.verb.lower()] = _operation(binding, schemas, answers, comments)
    components = {**schemas.components, "ErrorReason": _reasons(comments), "Problem": PROBLEM}
    services = dict.fromkeys(binding.method.containing_service for binding in bindings)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Gatepost", "version": "v1", "description": DESCRIPTION},
        "tags": [{"name": service.name, "description": comments.of(service.full_name).all} for service in services],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _operation(binding: Binding, schemas: Schemas, answers: Answers, comments: Comments) -> Schema:
    method = binding.method
    comment = comments.of(method.full_name)
    guard = Guard.Name(binding.guard)
    guards = [guard, "GUARD_SERVICE"] if admits_operators(binding) else [guard]
    operation: Schema = {
        "operationId": _operation_id(binding),
        "tags": [method.containing_service.name],
        "summary": comment.summary,
        "security": [{name: []} for name in guards if name in SECURITY_SCHEMES],
        "responses": answers.of(binding),
        "x-guard": guard,
        "x-rpc": binding.rpc.removeprefix("/"),
    }
    if comment.description:
        operation["description"] = comment.description
    if parameters := [*_path_parameters(binding, schemas), *_query_parameters(binding, schemas)]:
        operation["parameters"] = parameters
    if binding.takes_file:
        operation["requestBody"] = {"required": True, "content": {FILE_FORM: {"schema": _file(binding, comments)}}}
    elif binding.body:
        media_types = ["application/json", *([FORM] if binding.rest.form else [])]
        content = {media_type: {"schema": _body(binding, schemas)} for media_type in media_types}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _operation_id(binding: Binding) -> str:
    """Unique: a method's further bindings are numbered from 2 on."""
    name = f"{binding.method.containing_service.name}_{binding.method.name}"
    return f"{name}_{binding.position + 1}" if binding.position else name


def _path_of(binding: Binding) -> str:
    return binding.template.text.replace("=**}", "}")


def _path_parameters(binding: Binding, schemas: Schemas) -> list[Schema]:
    found = []
    for name in binding.template.fields:
        schema = schemas.sent_value(binding.method.input_type.fields_by_name[name])
        text = schema.pop("description", "")
        if binding.template.takes_rest and name == binding.template.fields[-1]:
            text += " All that follows in the path belongs to it, slashes included."
        found.append({"name": name, "in": "path", "required": True, "description": text.strip(), "schema": schema})
    return found


def _query_parameters(binding: Binding, schemas: Schemas) -> list[Schema]:
    found = []
    for field in binding.query_fields:
        schema = schemas.sent_value(field)
        text = schema.pop("description", "")
        found.append({"name": field.json_name, "in": "query", "description": text, "schema": schema})
    return found


def _body(binding: Binding, schemas: Schemas) -> Schema:
    field = binding.body_field
    kind = binding.method.input_type if field is None else kind_of(field)
    schema = schemas.sent(kind, without=binding.template.fields if field is None else ())
    return schema if binding.ignores_unknown_keys else {**schema, "unevaluatedProperties": False}


def _file(binding: Binding, comments: Comments) -> Schema:
    """The form that holds a file, of any type as far as this schema goes (OpenAPI 3.1, section 4.8.14.4)."""
    upload = binding.rest.upload
    about = comments.of(binding.method.full_name).summary
    file = {"type": "string", "contentMediaType": "application/octet-stream", "description": f"The file. {about}"}
    return {"type": "object", "properties": {upload.part: file}, "required": [upload.part]}


def _reasons(comments: Comments) -> Schema:
    """The enum of reasons; what each means, and when it comes, stands in x-reasons."""
    kind = ErrorReason.DESCRIPTOR
    names = {value.name: value.name.removeprefix("ERROR_REASON_") for value in kind.values if value.number}
    return {
        "type": "string",
        "description": comments.of(kind.full_name).all,
        "enum": list(names.values()),
        "x-reasons": {short: comments.of(f"{kind.full_name}.{name}").text for name, short in names.items()},
    }


def main() -> None:
    """Prints the document of the generated contract."""
    files = FileDescriptorSet.FromString(Path(sys.argv[1]).read_bytes())
    document = document_of(read_bindings(contract_services()), Comments(files))
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
