"""Tells the audit log which request is served."""

from __future__ import annotations

from typing import Any

from auth_server.domain.audit_events import current_request_id
from auth_server.interceptors.calls import Call, Handler, Method


def request_ids(_: Method, handler: Handler) -> Handler:
    """The handler, while which the id of its request is the current one.

    It is put back: a gateway in this process serves many requests of one connection in one task.
    """

    async def handle(request: Any, call: Call) -> Any:
        before = current_request_id.set(call.request_id)
        try:
            return await handler(request, call)
        finally:
            current_request_id.reset(before)

    return handle
