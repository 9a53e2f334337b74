"""The door for everybody else: a gRPC port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from auth_server.domain.clients import address_of_peer
from auth_server.doors.first_messages import BoundedHandlers, FirstMessages
from auth_server.doors.health import Health
from auth_server.doors.refusing import abort, metadata_of
from auth_server.doors.rpcs import Rpc
from auth_server.doors.transport import Transport
from auth_server.interceptors.calls import Call
from auth_server.interceptors.errors import RefusedError, unknown_rpc

LARGEST_MESSAGE_BYTES = 64 * 1024
LARGEST_METADATA_BYTES = 8 * 1024
DRAIN_SECONDS = 10.0
OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE_BYTES),
    ("grpc.max_metadata_size", LARGEST_METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", LARGEST_METADATA_BYTES),
    # One connection neither opens calls without end nor keeps them for ever, with or without a message.
    ("grpc.max_concurrent_streams", 1000),
    # Who opens calls and resets them at once (CVE-2023-44487) gives way to others after each fourth.
    ("grpc.http2.max_requests_per_read", 4),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 300_000),
    ("grpc.max_connection_age_ms", 1_800_000),
    # Pings beyond one in five minutes, where nothing else is sent, are a flood: the third ends the connection.
    ("grpc.http2.min_ping_interval_without_data_ms", 300_000),
    ("grpc.http2.max_ping_strikes", 2),
    # With it two servers would share a port unnoticed, and the second get nothing.
    ("grpc.so_reuseport", 0),
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What all clients of the port together may open, and how long an old connection's last calls may take."""

    connections: int
    calls: int
    last_calls_seconds: float


@asynccontextmanager
async def listening(
    transport: Transport, rpcs: Mapping[str, Rpc], health_of_server: Health, bounds: Bounds, *, reflected: bool
) -> AsyncIterator[int]:
    """Serves there meanwhile, and finishes the calls under way at the end; the port, also where it was 0.

    Raises:
        PortTakenError: another process has the port, or the host is not ours.
    """
    bounding = (
        ("grpc.max_allowed_incoming_connections", bounds.connections),
        ("grpc.max_connection_age_grace_ms", int(bounds.last_calls_seconds * 1000)),
    )
    server = grpc.aio.server(options=OPTIONS + bounding)
    first_messages = FirstMessages(bounds.calls)
    services = _services(rpcs)
    server.add_generic_rpc_handlers(
        tuple(_generic(name, of_service, transport, first_messages) for name, of_service in services.items())
    )
    bounded = BoundedHandlers(server, first_messages)
    health_pb2_grpc.add_HealthServicer_to_server(health_of_server.servicer, bounded)
    if reflected:
        names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(_Reflection(names, _MethodsToo()), bounded)
    server.add_generic_rpc_handlers((_Unknown(first_messages),))
    port = transport.bind(server)
    await server.start()
    try:
        yield port
    finally:
        health_of_server.drain()
        await server.stop(DRAIN_SECONDS)


def _services(rpcs: Mapping[str, Rpc]) -> dict[str, list[Rpc]]:
    by_service = groupby(rpcs.values(), key=lambda rpc: str(rpc.method.descriptor.containing_service.full_name))
    return {name: list(of_service) for name, of_service in by_service}


def _generic(
    service: str, rpcs: list[Rpc], transport: Transport, first_messages: FirstMessages
) -> grpc.GenericRpcHandler:
    served = {rpc.method.descriptor.name: first_messages.bounded(_served(rpc, transport)) for rpc in rpcs}
    return grpc.method_handlers_generic_handler(service, served)


def _served(rpc: Rpc, transport: Transport) -> Any:
    return _served_stream(rpc, transport) if rpc.method.streams else _served_call(rpc, transport)


def _served_stream(rpc: Rpc, transport: Transport) -> Any:
    handler, names_of = rpc.handler, transport.names_of

    async def serve(request: bytes, context: Any) -> None:
        # The caller's own deadline ends a stream; gRPC cancels it.
        call = _call_of(context, None, names_of)
        try:
            async with aclosing(await handler(request, call)) as stream:
                async for message in stream:
                    await context.write(message)
        except RefusedError as refusal:
            await abort(context, refusal.status)

    return grpc.unary_stream_rpc_method_handler(serve, response_serializer=_serialize)


def _served_call(rpc: Rpc, transport: Transport) -> Any:
    handler, names_of = rpc.handler, transport.names_of

    # The request is bytes, or an async iterator of them.
    async def serve(request: Any, context: Any) -> Any:
        try:
            return await handler(request, _call_of(context, context.time_remaining(), names_of))
        except RefusedError as refusal:
            await abort(context, refusal.status)

    if rpc.method.takes_stream:
        return grpc.stream_unary_rpc_method_handler(serve, response_serializer=_serialize)
    return grpc.unary_unary_rpc_method_handler(serve, response_serializer=_serialize)


def _call_of(context: Any, seconds_left: float | None, names_of: Callable[[Any], tuple[str, ...]]) -> Call:
    return Call(
        metadata_of(context),
        seconds_left,
        names_of_certificate=lambda: names_of(context),
        peer_address=lambda: address_of_peer(context.peer()),
    )


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


class _MethodsToo:
    """The pool of descriptors, which finds methods by name as well: `grpcurl describe` asks for them."""

    def __init__(self) -> None:
        self._pool = descriptor_pool.Default()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802 (the pool's name)
        """The file of a symbol; a method's is its service's."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            found = self._pool.FindServiceByName(service)
            if method not in found.methods_by_name:
                raise
            return found.file


class _Reflection(reflection.aio.ReflectionServicer):  # type: ignore[misc]
    """Tells the contract, by a handler that writes its answers itself, as those must that are bounded."""

    async def ServerReflectionInfo(self, requests: Any, context: Any) -> None:  # noqa: N802 (gRPC's name)
        """Answers each request."""
        async for answer in super().ServerReflectionInfo(requests, context):
            await context.write(answer)


class _Unknown(grpc.GenericRpcHandler):
    """Answers for RPCs that nobody has, in our own words."""

    def __init__(self, first_messages: FirstMessages) -> None:
        async def refuse(__: object, context: Any) -> None:
            await abort(context, unknown_rpc(Call(metadata_of(context)).request_id))

        self._handler = first_messages.bounded(grpc.unary_unary_rpc_method_handler(refuse))

    def service(self, _: grpc.HandlerCallDetails) -> Any:
        return self._handler
