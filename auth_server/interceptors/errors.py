"""Turns every error into a google.rpc.Status; nothing of the server's inside leaves by it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2

from auth_server.domain.errors import AuthError, Kind
from auth_server.interceptors.calls import Call, Handler, Method

log = logging.getLogger(__name__)

DOMAIN = "gatepost"
# A status travels in trailing metadata, of which a client takes 8 KiB.
SHOWN_VIOLATIONS = 16
SHOWN_FIELD_CHARACTERS = 128
CODES = {
    Kind.INVALID: code_pb2.INVALID_ARGUMENT,
    Kind.UNAUTHENTICATED: code_pb2.UNAUTHENTICATED,
    Kind.FORBIDDEN: code_pb2.PERMISSION_DENIED,
    Kind.PRECONDITION: code_pb2.FAILED_PRECONDITION,
    Kind.NOT_FOUND: code_pb2.NOT_FOUND,
    Kind.CONFLICT: code_pb2.ALREADY_EXISTS,
    Kind.BUSY: code_pb2.RESOURCE_EXHAUSTED,
    Kind.TOO_LATE: code_pb2.DEADLINE_EXCEEDED,
    Kind.UNAVAILABLE: code_pb2.UNAVAILABLE,
}


class RefusedError(Exception):
    """A call that ends in a status other than OK."""

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status


def errors(method: Method, handler: Handler) -> Handler:
    """The handler, whose every error is a RefusedError (AIP-193), also in the middle of a stream."""

    async def handle(request: Any, call: Call) -> Any:
        try:
            answer = await handler(request, call)
        except Exception as error:
            raise _refused(error, method, call) from error
        return flow(answer, call) if method.streams else answer

    async def flow(stream: AsyncGenerator[Any], call: Call) -> AsyncGenerator[Any]:
        try:
            async with aclosing(stream):
                async for message in stream:
                    yield message
        except Exception as error:
            raise _refused(error, method, call) from error

    return handle


def _refused(error: Exception, method: Method, call: Call) -> RefusedError:
    """The one place where an unknown error becomes a status; it is logged here, once."""
    if not isinstance(error, AuthError):
        log.error("failed", exc_info=error, extra={"rpc": method.path, "request_id": call.request_id})
        return RefusedError(_status(code_pb2.INTERNAL, "Something failed on our side.", "INTERNAL", call.request_id))
    if error.kind is Kind.UNAVAILABLE:
        log.warning("unavailable", extra={"request_id": call.request_id, "cause": repr(error.__cause__)})
    return RefusedError(status_of(error, call.request_id))


def status_of(error: AuthError, request_id: str) -> status_pb2.Status:
    """The status of a refusal.

    It tells the reason, the rule, what the caller needs to go on, the first of the fields at fault, and when to try
    again.
    """
    more = {"rule": error.rule, **error.metadata} if error.rule else error.metadata
    status = _status(CODES[error.kind], str(error), error.reason, request_id, more)
    if error.violations:
        bad = error_details_pb2.BadRequest()
        for violation in error.violations[:SHOWN_VIOLATIONS]:
            bad.field_violations.add(field=violation.field[:SHOWN_FIELD_CHARACTERS], description=violation.text)
        status.details.add().Pack(bad)
    if error.retry_after is not None:
        delay = Duration()
        delay.FromTimedelta(error.retry_after)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def unknown_rpc(request_id: str) -> status_pb2.Status:
    """The status of a call of an RPC that the contract does not have."""
    return _status(code_pb2.UNIMPLEMENTED, "There is no such RPC.", "RPC_NOT_FOUND", request_id)


def _status(
    code: int, message: str, reason: str, request_id: str, more: Mapping[str, str] = MappingProxyType({})
) -> status_pb2.Status:
    status = status_pb2.Status(code=code, message=message)
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata={"request_id": request_id, **more})
    status.details.add().Pack(info)
    return status
