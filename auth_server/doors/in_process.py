"""The door for a gateway in the same process: a channel without a socket, to the same handlers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2
from grpc_status import rpc_status

from auth_server.domain.errors import DeadlineExceededError
from auth_server.doors.rpcs import Rpc
from auth_server.interceptors.calls import Call
from auth_server.interceptors.errors import RefusedError, status_of, unknown_rpc

HEALTH_CHECK = "/grpc.health.v1.Health/Check"
Metadata = Iterable[tuple[str, str | bytes]]
HealthCheck = Callable[[health_pb2.HealthCheckRequest], health_pb2.HealthCheckResponse]


class InProcessChannel:
    """Answers as a grpc.aio.Channel to this server would; messages are not copied."""

    def __init__(self, rpcs: Mapping[str, Rpc], health_check: HealthCheck) -> None:
        self._rpcs = rpcs
        self._health_check = health_check

    def unary_unary(
        self,
        method: str,
        request_serializer: object = None,  # noqa: ARG002 (messages are handed over as they are)
        response_deserializer: object = None,  # noqa: ARG002 (messages are handed over as they are)
    ) -> Callable[..., Awaitable[Any]]:
        """What calls the RPC of this path; the serializers of a channel over a socket are not needed."""
        rpc = self._rpcs.get(method)
        if method == HEALTH_CHECK:
            return self._check_health
        return _unknown if rpc is None or rpc.method.streams or rpc.method.takes_stream else _caller(rpc)

    def stream_unary(
        self,
        method: str,
        request_serializer: object = None,  # noqa: ARG002 (messages are handed over as they are)
        response_deserializer: object = None,  # noqa: ARG002 (messages are handed over as they are)
    ) -> Callable[..., Awaitable[Any]]:
        """What calls the RPC of this path with a stream of requests, an async iterator."""
        rpc = self._rpcs.get(method)
        return _caller(rpc) if rpc is not None and rpc.method.takes_stream else _unknown

    def unary_stream(
        self,
        method: str,
        request_serializer: object = None,  # noqa: ARG002 (messages are handed over as they are)
        response_deserializer: object = None,  # noqa: ARG002 (messages are handed over as they are)
    ) -> Callable[..., Messages]:
        """What calls the RPC of this path, which answers a stream.

        Raises:
            KeyError: the contract has no such RPC, or it answers no stream.
        """
        rpc = self._rpcs[method]
        if not rpc.method.streams:
            raise KeyError(method)

        def call(request: Message, *, timeout: float | None = None, metadata: Metadata = ()) -> Messages:
            return Messages(_flow(rpc, request, Call(dict(metadata), timeout, from_gateway=True)))

        return call

    async def _check_health(self, request: health_pb2.HealthCheckRequest, **_: Any) -> health_pb2.HealthCheckResponse:
        return self._health_check(request)


def _caller(rpc: Rpc) -> Callable[..., Awaitable[Any]]:
    handler = rpc.handler

    # The parameters are those of grpc.aio's multi-callables; the request may be a stream of them.
    async def call(request: Any, *, timeout: float | None = None, metadata: Metadata = ()) -> Any:  # noqa: ASYNC109
        try:
            return await handler(request, Call(dict(metadata), timeout, from_gateway=True))
        except RefusedError as refusal:
            raise _error_of(refusal.status) from refusal

    return call


class Messages:
    """The messages of a stream, as grpc.aio's calls are iterated."""

    def __init__(self, flow: AsyncGenerator[Any]) -> None:
        self._flow = flow
        self._closing: asyncio.Task[None] | None = None

    def __aiter__(self) -> AsyncIterator[Any]:
        """The messages, once; raises grpc.aio.AioRpcError where the RPC is refused."""
        return self._flow

    def cancel(self) -> bool:
        """Ends the stream; it closes what it has open soon after."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._flow.aclose())
            _CLOSING.add(self._closing)
            self._closing.add_done_callback(_CLOSING.discard)
        return True


# The loop itself keeps no task alive.
_CLOSING: set[asyncio.Task[None]] = set()


async def _flow(rpc: Rpc, request: Message, call: Call) -> AsyncGenerator[Any]:
    """The stream, which the caller's deadline ends wherever it is, as gRPC does it over a socket."""
    loop = asyncio.get_running_loop()
    ends_at = None if call.seconds_left is None else loop.time() + call.seconds_left
    try:
        async with asyncio.timeout_at(ends_at):
            stream = await rpc.handler(request, call)
        async with aclosing(stream):
            while True:
                async with asyncio.timeout_at(ends_at):
                    message = await anext(stream, None)
                if message is None:
                    return
                yield message
    except RefusedError as refusal:
        raise _error_of(refusal.status) from refusal
    except TimeoutError:
        raise _error_of(status_of(DeadlineExceededError(), call.request_id)) from None


async def _unknown(_: Any, **__: Any) -> Any:
    raise _error_of(unknown_rpc(""))


def _error_of(status: status_pb2.Status) -> grpc.aio.AioRpcError:
    """What a call over a socket would raise."""
    packed = rpc_status.to_status(status)
    return grpc.aio.AioRpcError(
        packed.code,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(*packed.trailing_metadata),
        details=packed.details,
    )
