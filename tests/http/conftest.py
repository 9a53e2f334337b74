"""A gateway in front of a real gRPC server whose answers the test decides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
import pytest
from google.protobuf.message import Message
from yarl import URL

from gatepost.v1 import adapter_service_pb2
from http_gateway.app import running
from http_gateway.contract import contract_services
from http_gateway.settings import GatewaySettings

METHODS = {f"/{m.containing_service.full_name}/{m.name}": m for s in contract_services() for m in s.methods}

Answerer = Callable[[Any, grpc.aio.ServicerContext], Awaitable[Message]]
Streamer = Callable[[Any, grpc.aio.ServicerContext], AsyncIterator[Message]]


@dataclass
class Scripted(grpc.GenericRpcHandler):
    """Answers every RPC as the test says, and keeps what came in."""

    answer: Answerer | None = None
    stream: Streamer | None = None
    requests: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list)
    """The RPC's name, its request and its metadata, for each call."""
    seconds_left: list[float] = field(default_factory=list)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = METHODS.get(handler_call_details.method)
        if method is None:
            return None
        metadata = dict(handler_call_details.invocation_metadata)

        async def call(request: Message, context: grpc.aio.ServicerContext) -> Message:
            self.requests.append((method.name, request, metadata))
            self.seconds_left.append(context.time_remaining())
            assert self.answer is not None, "the test gives no answer"
            return await self.answer(request, context)

        async def flow(request: Message, context: grpc.aio.ServicerContext) -> AsyncIterator[Message]:
            self.requests.append((method.name, request, metadata))
            self.seconds_left.append(context.time_remaining())
            assert self.stream is not None, "the test streams nothing"
            async for message in self.stream(request, context):
                yield message

        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(
                flow,
                method.input_type._concrete_class.FromString,
                method.output_type._concrete_class.SerializeToString,
            )
        return grpc.unary_unary_rpc_method_handler(
            call, method.input_type._concrete_class.FromString, method.output_type._concrete_class.SerializeToString
        )

    def answers(self, message: Message) -> None:
        """Every call gets this message from now on."""

        async def answer(_request: Message, _context: grpc.aio.ServicerContext) -> Message:
            return message

        self.answer = answer


@pytest.fixture(scope="session")
async def shared_script() -> Scripted:
    return Scripted()


@pytest.fixture(scope="session")
async def scripted_target(shared_script: Scripted) -> AsyncIterator[str]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((shared_script,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


@pytest.fixture(scope="session")
async def scripted_channel(scripted_target: str) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(scripted_target) as channel:
        yield channel


@pytest.fixture(scope="session")
async def scripted_url(scripted_channel: grpc.aio.Channel) -> AsyncIterator[str]:
    async with running(GatewaySettings(http_port=0), scripted_channel) as gateway:
        yield gateway.http_url


@pytest.fixture
def script(shared_script: Scripted) -> Scripted:
    """What the server behind the gateway answers; GetUserById's empty answer unless the test says otherwise."""
    shared_script.requests.clear()
    shared_script.seconds_left.clear()
    shared_script.answers(adapter_service_pb2.GetUserByIdResponse())
    return shared_script


@dataclass(frozen=True, slots=True)
class Seen:
    """An HTTP answer."""

    status: int
    headers: Any
    text: str


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests to the gateway; paths go as they are written."""

    session: aiohttp.ClientSession
    url: str

    async def __call__(self, verb: str, path: str, **more: Any) -> Seen:
        more["headers"] = {"x-auth-secret": "secret", **more.get("headers", {})}
        async with self.session.request(verb, URL(self.url + path, encoded=True), **more) as answer:
            return Seen(answer.status, answer.headers, (await answer.read()).decode())


@pytest.fixture(scope="session")
async def http_session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(http_session: aiohttp.ClientSession, scripted_url: str, script: Scripted) -> Client:
    """A client of the gateway in front of the scripted server."""
    return Client(http_session, scripted_url)
