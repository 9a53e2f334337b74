"""Bounds how many calls there are, and how long a client may take to send the one message of its call.

gRPC itself waits for it as long as the connection lasts, and calls no handler before. Its own bound of calls refuses
those beyond without a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import grpc

from auth_server.domain.errors import AuthError, DeadlineExceededError, RequestInvalidError, TooManyCallsError
from auth_server.doors.refusing import abort, metadata_of
from auth_server.interceptors.calls import Call
from auth_server.interceptors.deadlines import TimeLimits
from auth_server.interceptors.errors import status_of

FIRST_MESSAGE_SECONDS = 10.0
COME_BACK_AFTER = timedelta(seconds=1)


class BoundedHandlers:
    """Takes the place of a server where handlers are added to it, and hands them on bounded."""

    def __init__(self, server: grpc.aio.Server, first_messages: FirstMessages) -> None:
        self._server = server
        self._first_messages = first_messages

    def add_generic_rpc_handlers(self, _handlers: object) -> None:
        """Nothing: the registered handlers are the same."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Adds a service's handlers."""
        bounded_ones = {name: self._first_messages.bounded(handler) for name, handler in handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, bounded_ones),))


class FirstMessages:
    """The calls of a server, and those of them that wait for their message."""

    def __init__(self, most_calls: int) -> None:
        self._most_calls = most_calls
        self._calls = 0
        self._seconds = FIRST_MESSAGE_SECONDS
        self._limits = TimeLimits()

    def bounded(self, handler: Any) -> Any:
        """The handler of an RPC, as an RpcMethodHandler, that is called once its request is there.

        A client that does not send it in time, or ends its call without, is refused, and so is a call beyond the most.
        Handlers of streams of requests read by themselves.
        """
        uploads, streams = handler.request_streaming, handler.response_streaming
        if uploads:
            inner = handler.stream_stream if streams else handler.stream_unary
        else:
            inner = handler.unary_stream if streams else handler.unary_unary

        async def serve(requests: object, context: Any) -> Any:
            if self._calls >= self._most_calls:
                await _refuse(context, TooManyCallsError(retry_after=COME_BACK_AFTER))
            self._calls += 1
            try:
                return await inner(requests if uploads else await self._first_message(context), context)
            finally:
                self._calls -= 1

        make = grpc.stream_stream_rpc_method_handler if streams else grpc.stream_unary_rpc_method_handler
        return make(serve, handler.request_deserializer, handler.response_serializer)

    async def _first_message(self, context: Any) -> Any:
        try:
            with self._limits.of(self._seconds):
                message = await context.read()
        except DeadlineExceededError as late:
            await _refuse(context, late)
        if message is grpc.aio.EOF:
            await _refuse(context, RequestInvalidError())
        return message


async def _refuse(context: Any, error: AuthError) -> None:
    await abort(context, status_of(error, Call(metadata_of(context)).request_id))
