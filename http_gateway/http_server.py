"""The HTTP/1.1 server under the gateway: what is no HTTP gets a problem as well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_request import BaseRequest

from http_gateway.headers import request_id_of
from http_gateway.problems import Manners, RefusedError, problem
from http_gateway.rpc_errors import FAULT

log = logging.getLogger("http_gateway")

LINGER_SECONDS = 2.0
"""How long what a refused client still sends is read and dropped, so that it gets to read the answer."""


class _Connection(web.RequestHandler):
    """One connection; differs from aiohttp's in its answer to what it cannot parse."""

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  may quote the request, secrets included
    ) -> web.StreamResponse:
        """The problem for a request that never reached a route; the connection ends with it."""
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer is sent already")
        refusal = RefusedError("HTTP_INVALID", "The request does not keep to HTTP, or its head is too long.")
        if status >= 500:
            refusal = RefusedError(*FAULT)
        request_id = request_id_of({})
        line = {"route": "unmatched", "status": refusal.status, "reason": refusal.reason, "request_id": request_id}
        if status >= 500:
            log.error("refused", extra=line, exc_info=exc)
        else:  # the text of a parser's error may quote the request
            log.info("refused", extra=line)
        response = problem(refusal, request_id, Manners())
        response.force_close()
        return response


class HttpServer(web.Server):
    """Serves HTTP connections by one function, without the layers of web.Application."""

    def __init__(
        self, answer: Callable[[BaseRequest], Awaitable[web.StreamResponse]], *, keep_alive_seconds: float
    ) -> None:
        # A client that goes away cancels its request, and so its RPC.
        super().__init__(answer, handler_cancellation=True)
        self._keep_alive_seconds = keep_alive_seconds

    def __call__(self) -> web.RequestHandler:
        """The handler of a new connection; the event loop asks for it."""
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=self._keep_alive_seconds,
            lingering_time=LINGER_SECONDS,
            # The gateway logs by itself, and never a path.
            access_log=None,  # type: ignore[arg-type]  # its stub leaves out that None means none
            auto_decompress=False,
        )
