"""Serves the bindings of the contract: HTTP request -> RPC -> HTTP answer.

No RPC is known here by name. The mapping is that of google/api/http.proto.
"""

from __future__ import annotations

from aiohttp import web
from google.protobuf.message_factory import GetMessageClass
from grpc.aio import AioRpcError

from http_gateway.bindings import Binding
from http_gateway.channel import Channel
from http_gateway.field_names import FieldNames
from http_gateway.rpc_answers import RpcAnswers
from http_gateway.rpc_errors import refusal_of
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
        self._answers = RpcAnswers(binding, settings.jwks_cache_seconds)
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
        return self._answers.of(visit, reply)
