"""Every RPC of the contract, and what calls it, whatever it streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gatepost.v1 import options_pb2
from http_gateway.contract import contract_services

METHODS = {f"{service.name}/{method.name}": method for service in contract_services() for method in service.methods}


def call_of(channel: Any, method: MethodDescriptor) -> Any:
    """What calls the method over the channel."""
    kind = "stream" if method.client_streaming else "unary", "stream" if method.server_streaming else "unary"
    return getattr(channel, "_".join(kind))(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=GetMessageClass(method.input_type).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )


async def stream_of(*requests: Message) -> AsyncIterator[Message]:
    """A stream of these requests."""
    for request in requests:
        yield request


async def answered(channel, method, request, metadata):
    """Calls the method with the request; of a stream of answers, up to the first."""
    call = call_of(channel, method)
    answer = call(stream_of(request) if method.client_streaming else request, metadata=metadata, timeout=5)
    if not method.server_streaming:
        return await answer
    try:
        return await anext(aiter(answer), None)
    finally:
        answer.cancel()


def request_naming(method, user_id):
    """A request of the method that names this user as the owner, where it names one, and is empty otherwise."""
    request = GetMessageClass(method.input_type)()
    if field := owner_of(method):
        setattr(request, field, user_id)
    return request


def owner_of(method):
    """The field that names the owner; empty where none does."""
    return method.GetOptions().Extensions[options_pb2.owner].field
