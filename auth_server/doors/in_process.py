"""The door for a gateway in the same process: a channel without a socket, to the same handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2
from grpc_status import rpc_status

from auth_server.doors.rpcs import Rpc
from auth_server.interceptors.calls import Call
from auth_server.interceptors.errors import RefusedError, unknown_rpc

HEALTH_CHECK = "/grpc.health.v1.Health/Check"
Metadata = Iterable[tuple[str, str | bytes]]
HealthCheck = Callable[[health_pb2.HealthCheckRequest], health_pb2.HealthCheckResponse]


class InProcessChannel:
    """Answers as a grpc.aio.Channel to this server would, as far as unary calls go; messages are not copied.

    Streams are no routes of the gateway, so it has none.
    """

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
        return _unknown if rpc is None or rpc.method.streams else _caller(rpc)

    async def _check_health(self, request: health_pb2.HealthCheckRequest, **_: Any) -> health_pb2.HealthCheckResponse:
        return self._health_check(request)


def _caller(rpc: Rpc) -> Callable[..., Awaitable[Any]]:
    handler = rpc.handler

    # The parameters are those of grpc.aio's multi-callables.
    async def call(request: Message, *, timeout: float | None = None, metadata: Metadata = ()) -> Any:  # noqa: ASYNC109
        try:
            return await handler(request, Call(dict(metadata), timeout, from_gateway=True))
        except RefusedError as refusal:
            raise _error_of(refusal.status) from refusal

    return call


async def _unknown(_: Message, **__: Any) -> Any:
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
