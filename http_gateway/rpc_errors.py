"""What an RPC's error becomes over HTTP."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode
from grpc.aio import AioRpcError

from http_gateway.problems import HTTP_STATUS, RefusedError, Violation

DOMAIN = "gatepost"
# What a problem tells by a member of its own, of ErrorInfo's metadata.
_TOLD_APART = ("request_id", "rule")

# An error without ErrorInfo is gRPC's own, and its text may name addresses.
NO_ANSWER = ("SERVER_UNAVAILABLE", "The auth server cannot be reached; try again.")
TOO_LARGE = ("REQUEST_TOO_LARGE", "The request is larger than the auth server takes.")
_OWN_WORDS: Mapping[StatusCode, tuple[str, str]] = {
    StatusCode.UNAVAILABLE: NO_ANSWER,
    StatusCode.DEADLINE_EXCEEDED: ("DEADLINE_EXCEEDED", "The call did not end in time."),
    StatusCode.UNIMPLEMENTED: ("RPC_NOT_FOUND", "The server has no such RPC."),
    StatusCode.INVALID_ARGUMENT: ("REQUEST_INVALID", "The request is not accepted."),
    # gRPC says so of a message or metadata beyond its limits; a busy server gives its own reason.
    StatusCode.RESOURCE_EXHAUSTED: TOO_LARGE,
}
# Reasons of the server that HTTP has a status of its own for, where gRPC has not.
_STATUS: Mapping[str, int] = {"IMAGE_TOO_LARGE": 413}
FAULT = ("INTERNAL", "The fault is ours; the log has the details under the request id.")


@dataclass(slots=True)
class _Details:
    """What the auth server says about an error besides its code and text."""

    reason: str = ""
    rule: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()
    retry_after_seconds: int | None = None


def refusal_of(error: AioRpcError, field_of: Callable[[str], str]) -> RefusedError:
    """The refusal that an RPC's error stands for.

    `field_of` turns a field's path in the request into the one that the client
    sent. Of an error that is not the auth server's own no text passes.
    """
    status = HTTP_STATUS.get(error.code(), 500)
    details = _details_of(error)
    if not details.reason:
        own_words = _OWN_WORDS.get(error.code())
        return RefusedError(*own_words) if own_words else RefusedError(*FAULT, status=status)
    retry_after = details.retry_after_seconds
    return RefusedError(
        details.reason,
        error.details() or "",
        by_server=True,
        rule=details.rule,
        metadata=details.metadata,
        status=_STATUS.get(details.reason, status),
        violations=[Violation(field_of(field), detail) for field, detail in details.violations],
        headers={} if retry_after is None else {"Retry-After": str(retry_after)},
    )


def _details_of(error: AioRpcError) -> _Details:
    found = _Details()
    packed = next((v for k, v in error.trailing_metadata() or () if k == "grpc-status-details-bin"), None)
    if not isinstance(packed, bytes):
        return found
    try:
        status = Status.FromString(packed)
    except DecodeError:
        return found
    for detail in status.details:
        if detail.Unpack(info := ErrorInfo()) and info.domain == DOMAIN:
            found.reason, found.rule = info.reason, info.metadata.get("rule", "")
            found.metadata = {name: text for name, text in info.metadata.items() if name not in _TOLD_APART}
        elif detail.Unpack(bad := BadRequest()):
            found.violations = tuple((v.field, v.description) for v in bad.field_violations)
        elif detail.Unpack(retry := RetryInfo()):
            # Retry-After counts whole seconds (RFC 9110, section 10.2.3).
            found.retry_after_seconds = math.ceil(retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9)
    return found
