"""Bounds how long a client may take to send the one message of its call.

gRPC itself waits for it as long as the connection lasts, and calls no handler before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc

from auth_server.domain.errors import DeadlineExceededError, RequestInvalidError
from auth_server.doors.refusing import abort, metadata_of
from auth_server.interceptors.calls import Call
from auth_server.interceptors.errors import status_of

FIRST_MESSAGE_SECONDS = 10.0


class BoundedHandlers:
    """Takes the place of a server where handlers are added to it, and hands them on bounded."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, _handlers: object) -> None:
        """Nothing: the registered handlers are the same."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Adds a service's handlers."""
        bounded_ones = {name: bounded(handler) for name, handler in handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, bounded_ones),))


def bounded(handler: Any) -> Any:
    """The handler of an RPC, as an RpcMethodHandler, that is called once its request is there.

    A client that does not send it within FIRST_MESSAGE_SECONDS, or ends its call without, is refused. Handlers of
    streams of requests stay as they are: they read by themselves.
    """
    if handler.request_streaming:
        return handler
    inner = handler.unary_stream if handler.response_streaming else handler.unary_unary

    async def serve(_requests: object, context: Any) -> Any:
        return await inner(await _first_message(context), context)

    make = grpc.stream_stream_rpc_method_handler if handler.response_streaming else grpc.stream_unary_rpc_method_handler
    return make(serve, handler.request_deserializer, handler.response_serializer)


async def _first_message(context: Any) -> Any:
    try:
        async with asyncio.timeout(FIRST_MESSAGE_SECONDS):
            message = await context.read()
    except TimeoutError:
        await _refuse(context, DeadlineExceededError())
    if message is grpc.aio.EOF:
        await _refuse(context, RequestInvalidError())
    return message


async def _refuse(context: Any, error: DeadlineExceededError | RequestInvalidError) -> None:
    await abort(context, status_of(error, Call(metadata_of(context)).request_id))
