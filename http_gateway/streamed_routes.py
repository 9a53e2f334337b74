"""Serves the bindings of RPCs that answer a stream: a JSON array over HTTP, written as the messages come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from aiohttp import web
from aiohttp.web_request import BaseRequest
from google.protobuf.message_factory import GetMessageClass
from grpc.aio import AioRpcError

from http_gateway.bindings import Binding
from http_gateway.channel import Channel
from http_gateway.deadlines import out_of_time
from http_gateway.field_names import FieldNames
from http_gateway.headers import JSON_HEADERS
from http_gateway.json.writing import writer_of
from http_gateway.rpc_errors import refusal_of
from http_gateway.rpc_requests import RpcRequests, manners_of
from http_gateway.settings import GatewaySettings
from http_gateway.visits import Visit


class StreamedRoute:
    """One binding of an RPC that answers a stream."""

    def __init__(self, binding: Binding, channel: Channel, settings: GatewaySettings) -> None:
        """Compiles the route.

        Raises:
            ValueError: the request or the answer has a field that JSON or HTTP
                cannot carry.
        """
        method = binding.method
        self.name = binding.route
        self.manners = manners_of(binding)
        self._requests = RpcRequests(binding, settings, settings.stream_timeout_seconds)
        self._write = writer_of(method.output_type)
        self._status = binding.rest.success_status or 200
        self._field_name = FieldNames(binding).sent
        self._call = channel.unary_stream(
            binding.rpc,
            request_serializer=GetMessageClass(method.input_type).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )

    async def answer(self, visit: Visit) -> web.StreamResponse:
        """Calls the RPC with what the visit brings, and answers an array of what it tells.

        The array has its end only where the stream has: one that fails on the way is cut off with its connection, so
        that nobody takes a part for the whole.

        Raises:
            RefusedError: the visit lacks its credential or does not fit the contract, or the RPC was refused.
        """
        asked = await self._requests.of(visit)
        call = self._call(asked.message, metadata=asked.metadata, timeout=asked.deadline.seconds_left())
        try:
            messages = aiter(call)
            first = await self._next(messages)
            response = web.StreamResponse(status=self._status, headers=JSON_HEADERS)
            response.headers["x-request-id"] = visit.request_id
            if visit.request.method == "HEAD":
                return response
            await response.prepare(visit.request)
            with _whole_or_cut(visit.request):
                async with asyncio.timeout(asked.deadline.seconds_left()):  # of a client that stops reading as well
                    await self._tell(first, messages, response)
            return response
        except TimeoutError:
            raise out_of_time() from None
        finally:
            call.cancel()  # nothing where it has ended; else nobody waits for the rest

    async def _next(self, messages: AsyncIterator[Any]) -> Any:
        """The next message; None at the end.

        Raises:
            RefusedError: the RPC was refused.
        """
        try:
            return await anext(messages, None)
        except AioRpcError as error:
            raise refusal_of(error, self._field_name) from error

    async def _tell(self, first: Any, messages: AsyncIterator[Any], response: web.StreamResponse) -> None:
        """Writes the array, no faster than the client reads it."""
        between, message = b"[", first
        while message is not None:
            await response.write(between + orjson.dumps(self._write(message)))
            between, message = b",\n", await self._next(messages)
        await response.write_eof(b"[]" if between == b"[" else b"]")


@contextmanager
def _whole_or_cut(request: BaseRequest) -> Iterator[None]:
    """Ends the connection where what is written meanwhile ends by an error.

    HTTP has no other word for an answer that ends before its end (RFC 9112, section 8).
    """
    is_whole = False
    try:
        yield
        is_whole = True
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()  # to close it would wait until the client has read what is written
        raise
    finally:
        if not is_whole and request.transport is not None:
            request.transport.close()
