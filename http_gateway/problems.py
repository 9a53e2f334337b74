"""Refusals as RFC 9457 problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from grpc import StatusCode

from http_gateway.headers import PROBLEM_HEADERS

CLIENT_CLOSED_REQUEST = 499
DEFAULT_CHALLENGE = 'Bearer realm="gatepost"'

# google/rpc/code.proto says which; 200 stands there for OK, which no refusal has.
HTTP_STATUS: Mapping[StatusCode, int] = {
    StatusCode.CANCELLED: CLIENT_CLOSED_REQUEST,
    StatusCode.UNKNOWN: 500,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.DEADLINE_EXCEEDED: 504,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.ABORTED: 409,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.INTERNAL: 500,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DATA_LOSS: 500,
}

# Reasons that the gateway gives by itself, with their statuses.
OWN_STATUS: Mapping[str, int] = {
    "CREDENTIAL_MISSING": 401,
    "REQUEST_INVALID": 400,
    "JSON_INVALID": 400,
    "HTTP_INVALID": 400,
    "ROUTE_NOT_FOUND": 404,
    "VERB_NOT_ALLOWED": 405,
    "REQUEST_TOO_LARGE": 413,
    "MEDIA_TYPE_UNSUPPORTED": 415,
    "INTERNAL": 500,
    "RPC_NOT_FOUND": 501,
    "SERVER_UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that breaks its rule, by the names that the client sent."""

    field: str
    detail: str


class RefusedError(Exception):
    """A request that gets a problem for an answer."""

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        status: int = 0,
        violations: Sequence[Violation] = (),
        headers: Mapping[str, str] | None = None,
        by_server: bool = False,
        rule: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """A refusal; `by_server` says that the auth server judged it, and logged it; `rule` is the one it breaks.

        `metadata` is what the client needs to go on, and is told to nobody else.
        """
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.status = status or OWN_STATUS[reason]
        self.violations = violations
        self.headers = headers or {}
        self.by_server = by_server
        self.rule = rule
        self.metadata = metadata or {}
        self.shown: web.Response | None = None
        """What is answered instead of a problem, where people read it."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How one route words its refusals."""

    refusal_status: int = 0
    """The status of every 4xx; by its reason where it is 0."""
    empty_server_error: bool = False
    """Whether a 5xx has no body."""
    challenge: str = DEFAULT_CHALLENGE
    """The WWW-Authenticate header of a 401."""

    def status_of(self, refusal: RefusedError) -> int:
        """The HTTP status that a refusal gets on this route."""
        return self.refusal_status if self.refusal_status and refusal.status < 500 else refusal.status


def problem(refusal: RefusedError, request_id: str, manners: Manners) -> web.Response:
    """The answer for a refusal; it never holds the request's path, which may carry a token."""
    status = manners.status_of(refusal)
    response = web.Response(status=status, headers=PROBLEM_HEADERS)
    response.headers["x-request-id"] = request_id
    response.headers.update(refusal.headers)
    if status == 401:
        response.headers["WWW-Authenticate"] = manners.challenge
    if status >= 500 and manners.empty_server_error:
        del response.headers["Content-Type"]
        return response
    response.body = orjson.dumps(_body(refusal, status, request_id))
    return response


def _body(refusal: RefusedError, status: int, request_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:gatepost:error:{refusal.reason}",
        "title": refusal.reason.replace("_", " ").capitalize(),
        "status": status,
        "detail": refusal.detail,
        "instance": f"urn:gatepost:request:{request_id}",
        "reason": refusal.reason,
        "request_id": request_id,
        "message": refusal.detail,
    }
    if refusal.rule:
        body["rule"] = refusal.rule
    if refusal.metadata:
        body["metadata"] = dict(refusal.metadata)
    if refusal.violations:
        body["errors"] = [{"field": v.field, "detail": v.detail} for v in refusal.violations]
    return body
