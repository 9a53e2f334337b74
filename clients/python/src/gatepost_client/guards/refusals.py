"""The answers of guards, as problems (RFC 9457), challenges (RFC 6750) and statuses of gRPC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gatepost_client.errors import DETAILS, DOMAIN


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is not made."""

    status: int
    code: grpc.StatusCode
    reason: str
    detail: str
    challenge: str = ""
    """The WWW-Authenticate header."""
    retry_after_seconds: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the HTTP answer."""
        headers = {
            "content-type": "application/problem+json",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        if self.challenge:
            headers["www-authenticate"] = self.challenge
        if self.retry_after_seconds:
            headers["retry-after"] = str(self.retry_after_seconds)
        return headers

    @property
    def body(self) -> bytes:
        """The problem, which holds nothing of the request."""
        problem: Mapping[str, str | int] = {
            "type": f"urn:gatepost:error:{self.reason}",
            "title": self.reason.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
        }
        return json.dumps(problem).encode()

    @property
    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        """The google.rpc.Status of a call over gRPC."""
        status = Status(code=self.code.value[0], message=self.detail)
        status.details.add().Pack(ErrorInfo(reason=self.reason, domain=DOMAIN))
        if self.retry_after_seconds:
            status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=self.retry_after_seconds)))
        return ((DETAILS, status.SerializeToString()),)


class RefusedError(Exception):
    """A call that a guard does not let through."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


_REALM = 'Bearer realm="gatepost"'

CREDENTIAL_MISSING = Refusal(
    401,
    grpc.StatusCode.UNAUTHENTICATED,
    "CREDENTIAL_MISSING",
    "This asks for one header `authorization: Bearer <access token>`.",
    # Without a token there is no error to name (RFC 6750, section 3.1).
    _REALM,
)
TOKEN_INVALID = Refusal(
    401,
    grpc.StatusCode.UNAUTHENTICATED,
    "ACCESS_TOKEN_INVALID",
    "The access token is malformed, expired or revoked.",
    f'{_REALM}, error="invalid_token", error_description="The access token is malformed, expired or revoked."',
)
ROLE_MISSING = Refusal(
    403,
    grpc.StatusCode.PERMISSION_DENIED,
    "PERMISSION_DENIED",
    "The caller may not do this.",
    f'{_REALM}, error="insufficient_scope"',
)
UNAVAILABLE = Refusal(
    503,
    grpc.StatusCode.UNAVAILABLE,
    "SERVER_UNAVAILABLE",
    "Whether the access token is good cannot be said now; try again.",
    retry_after_seconds=1,
)
