"""Random messages, bytes and metadata for every RPC, through both doors of the server."""

from __future__ import annotations

import asyncio
import string
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

from auth_server.doors.in_process import InProcessChannel
from gatepost.v1 import options_pb2
from http_gateway.upload_calls import answer_to
from tests.fuzz.callers import ADMITTED, KINDS, Callers
from tests.fuzz.declared import METHODS, reasons_of_rpc
from tests.fuzz.files import files
from tests.fuzz.findings import FaultError, Findings
from tests.fuzz.messages import filled, messages
from tests.people import Metadata, reason_of

LONGEST_SECONDS = 10.0
OUR_FAULT = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
}
INVALID = "REQUEST_INVALID"
TOO_LARGE = {
    "received metadata size exceeds": "METADATA_TOO_LARGE",
    "Received message larger than max": "MESSAGE_TOO_LARGE",
}
DOORS = ("port", "in process")
Answer = TypeVar("Answer")

Run = Callable[[Awaitable[Any]], Any]
"""Waits, in another thread, for what runs in the server's loop."""


def waiting_in(loop: asyncio.AbstractEventLoop) -> Run:
    """What runs a coroutine in the loop, for hypothesis, which is in a thread beside it."""

    def run(what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, loop).result(3 * LONGEST_SECONDS)

    return run


@dataclass(frozen=True, slots=True)
class Rpcs:
    """Calls every RPC of the contract with what nobody would send."""

    channel: grpc.aio.Channel
    in_process: InProcessChannel
    callers: Callers
    findings: Findings
    run: Run

    def explore(self, rpc: str, *, examples: int, seeded: int) -> None:
        """Sends the RPC random messages, through either door, as callers of every kind, mostly of one it admits."""
        method = METHODS[rpc]
        sent = st.lists(messages(method.input_type), min_size=1, max_size=3 if method.client_streaming else 1)
        if method.client_streaming:
            sent = st.one_of(sent, _uploads(GetMessageClass(method.input_type)))
        cases = st.tuples(sent, _callers_of(method), st.sampled_from(DOORS))

        def attempt(case: Any) -> str:
            requests, caller, door = case
            word: str = self.run(self.message_attempt(method, requests, caller, door))
            return word

        self.findings.explore("messages", rpc, cases, attempt, examples=examples, seeded=seeded)

    def explore_wire(self, rpc: str, *, examples: int, seeded: int) -> None:
        """Sends the RPC's port bytes that are no message, or that are one by chance, and odd metadata."""
        method = METHODS[rpc]
        cases = st.tuples(wire_of(method), metadata_pairs(), _callers_of(method))

        def attempt(case: Any) -> str:
            content, metadata, caller = case
            word: str = self.run(self.wire_attempt(method, content, metadata, caller))
            return word

        self.findings.explore("wire", rpc, cases, attempt, examples=examples, seeded=seeded)

    async def message_attempt(self, method: MethodDescriptor, requests: list[Message], caller: str, door: str) -> str:
        """The reason of the refusal of these messages, or OK; FaultError where it may not end so."""
        metadata = await self.callers.metadata_of(caller)
        copies = [filled(_copy_of(request), self.callers.known) for request in requests]
        doors: list[Any] = [self.channel, self.in_process]
        if door != "port":
            doors.reverse()
        serializer = GetMessageClass(method.input_type).SerializeToString
        reason = await self._judged(method, doors[0], copies, metadata, serializer, f"{caller}, {door}")
        if reason == INVALID:  # which nothing but the message decides
            other = await self._judged(method, doors[1], copies, metadata, serializer, f"{caller}, the other door")
            if other != INVALID:
                raise FaultError(f"{INVALID} by one door, {other} by the other; sent {copies} as {caller}, {door}")
        return reason

    async def wire_attempt(self, method: MethodDescriptor, content: bytes, metadata: Metadata, caller: str) -> str:
        """The reason of the refusal of these bytes, or OK; FaultError where it may not end so."""
        presented = [*await self.callers.metadata_of(caller), *metadata]
        return await self._judged(method, self.channel, [content], presented, bytes, caller)

    async def _judged(
        self, method: MethodDescriptor, channel: Any, sent: list[Any], metadata: Metadata, serializer: Any, how: str
    ) -> str:
        try:
            await called(channel, method, sent, metadata, serializer)
        except grpc.aio.AioRpcError as error:
            return self.callers.note(_reason_of(method, error, f"{sent} as {how}"))
        return "OK"


async def called(channel: Any, method: MethodDescriptor, sent: list[Any], metadata: Metadata, serializer: Any) -> None:
    """Calls the RPC; of a stream of answers, up to the first."""
    kinds = "stream" if method.client_streaming else "unary", "stream" if method.server_streaming else "unary"
    call = getattr(channel, "_".join(kinds))(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=serializer,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )(_stream_of(sent) if method.client_streaming else sent[0], metadata=metadata, timeout=LONGEST_SECONDS)
    if not method.server_streaming:
        await answer_to(call)  # which is grpcio's defect, and none of the server's
        return
    try:
        await anext(aiter(call), None)
    finally:
        call.cancel()


def wire_of(method: MethodDescriptor) -> st.SearchStrategy[bytes]:
    """Bytes: any, or those of a message with some of them cut off, changed or put in."""

    @st.composite
    def mangled(draw: st.DrawFn) -> bytes:
        content = bytearray(draw(messages(method.input_type)).SerializeToString())
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(content)))
            content[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
        return bytes(content)

    return st.one_of(mangled(), st.binary(max_size=40), st.just(b"\n\x80\x80\x80\x80\x10"), st.just(b"\x0b" * 200))


def metadata_pairs() -> st.SearchStrategy[Metadata]:
    """Metadata that a caller may send beside its credential, well-formed for gRPC and odd for us."""
    name = st.sampled_from(
        [
            "x-request-id",
            "x-session-token",
            "x-client-address",
            "x-client-agent",
            "x-gateway-credential",
            "x-forwarded-for",
        ]
    )
    odd = st.sampled_from(["", " ", "Basic", "Basic Og==", "Basic /w==", "0" * 4000, "127.0.0.1", "::1%eth0"])
    value = st.one_of(odd, st.text(string.printable[:95], max_size=40))
    binary = st.tuples(st.sampled_from(["x-auth-secret-bin", "authorization-bin", "a-bin"]), st.binary(max_size=40))
    return st.lists(st.one_of(st.tuples(name, value), binary), max_size=3)


def _uploads(kind: Any) -> st.SearchStrategy[list[Message]]:
    """The user's own id, and a file in two pieces, of which none is empty."""

    def cut(file: bytes) -> list[Message]:
        half = len(file) // 2
        return [kind(id="<user>"), *(kind(chunk=piece) for piece in (file[:half], file[half:]) if piece)]

    return files().map(cut)


def _callers_of(method: MethodDescriptor) -> st.SearchStrategy[str]:
    guard = options_pb2.Guard.Name(method.GetOptions().Extensions[options_pb2.guard])
    admitted = st.sampled_from(ADMITTED[guard])
    return st.one_of(*[admitted] * 6, st.sampled_from(KINDS))


def _copy_of(message: Message) -> Message:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _reason_of(method: MethodDescriptor, error: grpc.aio.AioRpcError, how: str) -> str:
    if error.code() in OUR_FAULT:
        raise FaultError(f"{error.code().name}, {error.details()}; sent {how}")
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        for words, reason in TOO_LARGE.items():
            if words in (error.details() or ""):
                return reason  # gRPC refuses it by itself, before the call reaches us
    try:
        reason = reason_of(error)
    except AssertionError:
        raise FaultError(f"{error.code().name} without a reason, {error.details()}; sent {how}") from None
    if reason not in reasons_of_rpc(method.full_name):
        raise FaultError(f"{reason} is not declared; sent {how}")
    return reason


async def _stream_of(sent: list[Any]) -> AsyncIterator[Any]:
    for each in sent:
        yield each
