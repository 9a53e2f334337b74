"""Reads the message that came over a socket, inside of what words the errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.message import DecodeError

from auth_server.domain.errors import RequestInvalidError
from auth_server.interceptors.calls import Call, Handler, Method
from auth_server.interceptors.request_streams import RequestStream


def decoding(method: Method, handler: Handler) -> Handler:
    """The handler, which gets a message also where bytes arrive; grpcio's own reader would answer in its own words."""

    def decoded(request: Any) -> Any:
        if not isinstance(request, bytes):
            return request
        try:
            return method.request.FromString(request)
        except DecodeError:
            raise RequestInvalidError from None

    async def handle(request: Any, call: Call) -> Any:
        return await handler(decoded(request), call)

    async def handle_stream(requests: AsyncIterator[Any], call: Call) -> Any:
        return await handler(RequestStream(requests, decoded), call)

    return handle_stream if method.takes_stream else handle
