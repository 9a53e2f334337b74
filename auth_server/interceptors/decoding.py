"""Reads the message that came over a socket, inside of what words the errors."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError

from auth_server.domain.errors import RequestInvalidError
from auth_server.interceptors.calls import Call, Handler, Method


def decoding(method: Method, handler: Handler) -> Handler:
    """The handler, which gets a message also where bytes arrive; grpcio's own reader would answer in its own words."""

    async def handle(request: Any, call: Call) -> Any:
        if isinstance(request, bytes):
            try:
                request = method.request.FromString(request)
            except DecodeError:
                raise RequestInvalidError from None
        return await handler(request, call)

    return handle
