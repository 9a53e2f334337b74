"""Tells the audit log which request is served, and from where it comes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from auth_server.domain.audit_events import Origin, current_origin
from auth_server.domain.audit_seal import AuditSeal
from auth_server.interceptors.calls import Call, Handler, Interceptor, Method
from gatepost.v1 import options_pb2


def origins(seal: AuditSeal) -> Interceptor:
    """The interceptor that makes the origin of the request the current one.

    It is put back: a gateway in this process serves many requests of one connection in one task.
    """

    def around(method: Method, handler: Handler) -> Handler:
        rpc = f"{method.descriptor.containing_service.name}/{method.descriptor.name}"

        async def handle(request: Any, call: Call) -> Any:
            origin = Origin(call.request_id, rpc, lambda: caller_of(method, call), lambda: call.client, seal)
            before = current_origin.set(origin)
            try:
                return await handler(request, call)
            finally:
                current_origin.reset(before)

        return handle

    return around


def caller_of(method: Method, call: Call) -> tuple[str | None, UUID | None]:
    """Who calls, as an event names them, and their id where it is a user; of whom no guard asked, nothing."""
    if (who := call.caller or call.identity) is not None:
        return f"user:{who.user_id}", who.user_id
    if call.service is not None:
        return f"service:{call.service.name}", None
    if method.guard == options_pb2.GUARD_ADAPTER and call.is_admitted:
        return "adapter", None
    return None, None
