"""Serves the bindings of RPCs that take a file: a form over HTTP, a stream of requests to the auth server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest
from google.protobuf.message_factory import GetMessageClass
from grpc.aio import AioRpcError

from http_gateway.bindings import Binding
from http_gateway.bodies import invite
from http_gateway.channel import Channel
from http_gateway.field_names import FieldNames
from http_gateway.file_forms import FileForm, boundary_of, too_large
from http_gateway.problems import RefusedError
from http_gateway.rpc_answers import RpcAnswers
from http_gateway.rpc_errors import refusal_of
from http_gateway.rpc_requests import RpcRequest, RpcRequests, manners_of
from http_gateway.settings import GatewaySettings
from http_gateway.upload_calls import answer_to
from http_gateway.visits import Visit

Messages = asyncio.Queue[Any]
"""Messages on their way to the RPC; None ends them. It has room for one: a file is never here as a whole."""

LEAVE_AFTER_SECONDS = 0.1
"""How long a client waits for leave to send its file: the RPC refuses a caller, if it does, in less."""


class UploadedRoute:
    """One binding of an RPC that takes a file."""

    def __init__(self, binding: Binding, channel: Channel, settings: GatewaySettings) -> None:
        """Compiles the route.

        Raises:
            ValueError: the request or the answer has a field that JSON or HTTP cannot carry.
        """
        method = binding.method
        self.name = binding.route
        self.manners = manners_of(binding)
        self._requests = RpcRequests(binding, settings, settings.upload_timeout_seconds)
        self._answers = RpcAnswers(binding, settings.jwks_cache_seconds)
        self._field_name = FieldNames(binding).sent
        self._upload = binding.rest.upload
        self._limit_bytes = settings.upload_limit_bytes
        self._message = GetMessageClass(method.input_type)
        self._call = channel.stream_unary(
            binding.rpc,
            request_serializer=self._message.SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )

    async def answer(self, visit: Visit) -> web.Response:
        """Sends the RPC the file as it comes, and answers what it answers, be it before the file's end.

        Raises:
            RefusedError: the visit lacks its credential or its file, or the RPC was refused.
        """
        asked = await self._requests.of(visit)
        form = self._form_of(visit.request)
        messages: Messages = asyncio.Queue(1)
        sending = asyncio.create_task(self._send(visit.request, asked.message, form, messages))
        answering = asyncio.ensure_future(self._ask(asked, messages))
        try:
            await asyncio.wait({sending, answering}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()  # raises where the form is at fault; the RPC never hears of an end then
            reply = await answering
        except AioRpcError as error:
            raise refusal_of(error, self._field_name) from error
        finally:
            sending.cancel()
            answering.cancel()
            await asyncio.gather(sending, answering, return_exceptions=True)
            if messages.empty():  # gRPC may still wait for one, though its call is over
                messages.put_nowait(None)
        return self._answers.of(visit, reply)

    async def _ask(self, asked: RpcRequest, messages: Messages) -> Any:
        timeout = asked.deadline.seconds_left()
        return await answer_to(self._call(_all_of(messages), metadata=asked.metadata, timeout=timeout))

    async def _send(self, request: BaseRequest, first: Any, form: FileForm, messages: Messages) -> None:
        """Sends the first message, then the file, no faster than the RPC takes it."""
        await messages.put(first)
        await invite(request, after_seconds=LEAVE_AFTER_SECONDS)
        async for piece in form.pieces():
            await messages.put(self._message(**{self._upload.chunk: piece}))
        await messages.put(None)

    def _form_of(self, request: BaseRequest) -> FileForm:
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise RefusedError("MEDIA_TYPE_UNSUPPORTED", "The body must not be compressed.")
        boundary = boundary_of(request.headers.get("Content-Type", ""))
        if (request.content_length or 0) > self._limit_bytes:
            raise too_large(self._limit_bytes)
        return FileForm(request.content, boundary, self._upload.part, self._limit_bytes)


async def _all_of(messages: Messages) -> AsyncIterator[Any]:
    while (message := await messages.get()) is not None:
        yield message
