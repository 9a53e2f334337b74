"""What Envoy is told: the headers of a request that it lets through, or the answer to one that it does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from google.rpc import code_pb2

from auth_server.domain.errors import AuthError
from auth_server.domain.header_texts import header_text
from auth_server.domain.identities import Identity
from auth_server.interceptors.calls import REQUEST_ID
from auth_server.servicers.ext_authz_contract import CheckResponse, HeaderValueOption
from auth_server.servicers.identity import message_of_identity
from gatepost.v1 import identity_service_pb2, options_pb2

OURS = "x-gatepost-"
UNAUTHORIZED = 401
_REFUSAL_HEADERS = {
    "content-type": "application/problem+json",
    "www-authenticate": 'Bearer realm="gatepost"',
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


def allowed(identity: Identity, given: Iterable[str]) -> Any:
    """Overwrites the headers of the identity, and takes away every other header that looks like one of ours.

    `given` are the names of the request's headers, in lower case. Programs that read headers by CGI's names take an
    underscore for a hyphen (RFC 3875, 4.1.18), so we do too.
    """
    headers = identity_headers(identity)
    forged = {name for name in given if name.replace("_", "-").startswith(OURS)}
    answer = CheckResponse()
    answer.status.code = code_pb2.OK
    for name, value in headers.items():
        if value:
            _overwrite(answer.ok_response.headers, name, value)
    unset = {name for name, value in headers.items() if not value}
    answer.ok_response.headers_to_remove.extend(sorted((forged - headers.keys()) | unset))
    return answer


def denied(refusal: AuthError, asked_request_id: str, own_request_id: str) -> Any:
    """The refusal as the gateway would word it (RFC 9457)."""
    request_id = asked_request_id if REQUEST_ID.fullmatch(asked_request_id) else own_request_id
    answer = CheckResponse()
    answer.status.code = code_pb2.UNAUTHENTICATED
    answer.denied_response.status.code = UNAUTHORIZED
    for name, value in {**_REFUSAL_HEADERS, "x-request-id": request_id}.items():
        _overwrite(answer.denied_response.headers, name, value)
    problem = {
        "type": f"urn:gatepost:error:{refusal.reason}",
        "title": refusal.reason.replace("_", " ").capitalize(),
        "status": UNAUTHORIZED,
        "detail": str(refusal),
        "instance": f"urn:gatepost:request:{request_id}",
        "reason": refusal.reason,
        "request_id": request_id,
        "message": str(refusal),
    }
    answer.denied_response.body = orjson.dumps(problem).decode()
    return answer


def identity_headers(identity: Identity) -> dict[str, str]:
    """The identity by header, as the contract's option `header` says; empty is what the user does not have."""
    message = message_of_identity(identity)
    return {name: _text_of(getattr(message, field)) for name, field in _FIELDS.items()}


def _text_of(value: str | bool) -> str:
    return header_text(value) if isinstance(value, str) else str(value).lower()


def _fields() -> dict[str, str]:
    fields = identity_service_pb2.GetIdentityResponse.DESCRIPTOR.fields
    return {field.GetOptions().Extensions[options_pb2.header]: field.name for field in fields}


_FIELDS = _fields()


def _overwrite(headers: Any, name: str, value: str) -> None:
    option = headers.add(append_action=HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD)
    option.header.key, option.header.value = name, value
