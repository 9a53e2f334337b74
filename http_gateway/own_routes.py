"""The routes that are the gateway's own: its health, the OpenAPI document and the page for people."""

from __future__ import annotations

import orjson
from aiohttp import web
from grpc.aio import AioRpcError
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from multidict import CIMultiDict

from http_gateway.caching import cacheable_answer, etag_of
from http_gateway.channel import Channel
from http_gateway.headers import JSON_HEADERS
from http_gateway.problems import Manners, RefusedError
from http_gateway.rpc_errors import NO_ANSWER
from http_gateway.visits import Visit

READINESS_TIMEOUT_SECONDS = 2.0
PIECE_BYTES = 32 * 1024


class Document:
    """A document that is the same for everybody until the gateway starts anew."""

    manners = Manners()

    def __init__(self, path: str, body: bytes, headers: CIMultiDict[str]) -> None:
        self.name = f"GET {path}"
        self._body = body
        self._headers = headers
        self._etag = etag_of(body)

    async def answer(self, visit: Visit) -> web.StreamResponse:
        """The document, or that the client's copy is still good.

        It is written as the client reads it: else a thousand who do not read would have as many copies made of it.
        """
        answer = cacheable_answer(visit, self._body, self._headers, self._etag)
        if not answer.body or visit.request.method == "HEAD":
            return answer
        response = web.StreamResponse(headers=answer.headers)
        response.content_length = len(self._body)
        await response.prepare(visit.request)
        for at in range(0, len(self._body), PIECE_BYTES):
            await response.write(self._body[at : at + PIECE_BYTES])
        await response.write_eof()
        return response


class Liveness:
    """Tells that this process answers; for what restarts it when it does not."""

    name = "GET /healthz"
    manners = Manners()

    async def answer(self, visit: Visit) -> web.Response:
        """Always that it serves."""
        return _serving(visit)


class Readiness:
    """Tells whether the auth server behind serves; for what sends requests here."""

    name = "GET /readyz"
    manners = Manners()

    def __init__(self, channel: Channel) -> None:
        self._check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )

    async def answer(self, visit: Visit) -> web.Response:
        """That the server serves.

        Raises:
            RefusedError: it does not, or cannot be reached.
        """
        metadata = [("x-request-id", visit.request_id)]
        try:
            reply = await self._check(HealthCheckRequest(), metadata=metadata, timeout=READINESS_TIMEOUT_SECONDS)
        except AioRpcError as error:
            raise RefusedError(*NO_ANSWER) from error
        if reply is None or reply.status != HealthCheckResponse.SERVING:
            raise RefusedError("SERVER_UNAVAILABLE", "The auth server does not serve now; try again.")
        return _serving(visit)


def _serving(visit: Visit) -> web.Response:
    response = web.Response(body=orjson.dumps({"status": "SERVING"}), headers=JSON_HEADERS)
    response.headers["x-request-id"] = visit.request_id
    return response
