"""Serves the bindings of the contract: HTTP request -> RPC -> HTTP answer.

No RPC is known here by name. The mapping is that of google/api/http.proto.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web
from google.protobuf.message_factory import GetMessageClass
from grpc.aio import AioRpcError

from gatepost.v1.options_pb2 import GUARD_PUBLIC
from http_gateway.answer_headers import header_writer_of
from http_gateway.bindings import Binding
from http_gateway.caching import cacheable_answer, etag_of
from http_gateway.channel import Channel
from http_gateway.field_names import FieldNames
from http_gateway.headers import JSON_HEADERS, cacheable_for, headers_for
from http_gateway.json.writing import writer_of
from http_gateway.problems import RefusedError
from http_gateway.rpc_errors import NO_ANSWER, refusal_of
from http_gateway.rpc_requests import RpcRequests, manners_of
from http_gateway.settings import GatewaySettings
from http_gateway.visits import Visit


class BoundRoute:
    """One binding, ready to serve; what its descriptors say is worked out before the first request."""

    def __init__(self, binding: Binding, channel: Channel, settings: GatewaySettings) -> None:
        """Compiles the route.

        Raises:
            ValueError: the request or the answer has a field that JSON or HTTP
                cannot carry.
        """
        method = binding.method
        self.name = binding.route
        self.manners = manners_of(binding)
        self._requests = RpcRequests(binding, settings, settings.request_timeout_seconds)
        self._write = _answer_writer(binding)
        self._headers_of = header_writer_of(method.output_type)
        self._status = binding.rest.success_status or 200
        # What anyone gets by asking for nothing in particular is the same for all, and may be kept a while.
        self._cacheable = binding.guard == GUARD_PUBLIC and binding.verb == "GET" and not method.input_type.fields
        self._cacheable_headers = headers_for(
            "application/json", Cache_Control=cacheable_for(settings.jwks_cache_seconds)
        )
        self._field_name = FieldNames(binding).sent
        # Of the class, not of Message: a serializer that fails sends an empty request.
        self._call = channel.unary_unary(
            binding.rpc,
            request_serializer=GetMessageClass(method.input_type).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )

    async def answer(self, visit: Visit) -> web.Response:
        """Calls the RPC with what the visit brings, and answers what it answers.

        Raises:
            RefusedError: the visit lacks its credential or does not fit the
                contract, or the RPC was refused.
        """
        asked = await self._requests.of(visit)
        try:
            reply = await self._call(asked.message, metadata=asked.metadata, timeout=asked.deadline.seconds_left())
        except AioRpcError as error:
            raise refusal_of(error, self._field_name) from error
        # An HTTP error without a gRPC status has ended as None, not as an error.
        if reply is None:
            raise RefusedError(*NO_ANSWER)
        answer = self._answer(visit, orjson.dumps(self._write(reply)))
        answer.headers.update(self._headers_of(reply))
        return answer

    def _answer(self, visit: Visit, body: bytes) -> web.Response:
        if self._cacheable:
            return cacheable_answer(visit, body, self._cacheable_headers, etag_of(body))
        response = web.Response(body=body, status=self._status, headers=JSON_HEADERS)
        response.headers["x-request-id"] = visit.request_id
        return response


def _answer_writer(binding: Binding) -> Callable[[Any], Any]:
    """What writes the RPC's answer, or its response_body alone: null where that is unset."""
    kind = binding.method.output_type
    if not binding.response_body:
        return writer_of(kind)
    field = kind.fields_by_name[binding.response_body]
    if field.message_type is None or field.is_repeated:
        write_all, key = writer_of(kind), field.json_name
        return lambda reply: write_all(reply)[key]
    name, write = field.name, writer_of(field.message_type)
    return lambda reply: write(getattr(reply, name)) if reply.HasField(name) else None
