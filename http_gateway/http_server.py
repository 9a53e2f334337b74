"""The HTTP/1.1 server under the gateway: how many connections there may be, and which ones go."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from heapq import nsmallest
from typing import cast

from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.hdrs import CONTENT_LENGTH, TRANSFER_ENCODING
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_request import BaseRequest

from http_gateway.http_connections import Awaited, Connection, Patience
from http_gateway.unread_answers import MOST_UNREAD_BYTES, UnreadAnswers

log = logging.getLogger("http_gateway")

_VERSIONS = (HttpVersion10, HttpVersion11)
LINGER_SECONDS = 2.0
"""How long what a refused client still sends is read and dropped, so that it gets to read the answer."""
LOOK_EVERY_SECONDS = 1.0
SHARE_TO_GO = 20
"""Where there are too many connections, one in so many goes at once: to look for them takes time."""


def _request_of(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> BaseRequest:
    """The request; one of another version than 1.0 and 1.1 has no target, which the gateway refuses.

    aiohttp parses HTTP/0.9, which has no version, and 2.0 where it is written like 1.1, and would answer in kind.
    Servers behind each other that differ in this take the end of one request for the beginning of another.
    """
    cast(Connection, protocol).take_up(payload)
    if message.version not in _VERSIONS:
        message = message._replace(version=HttpVersion10, path="", should_close=True)
    elif TRANSFER_ENCODING in message.headers and _may_end_elsewhere(message):
        message = message._replace(should_close=True)
    return BaseRequest(message, payload, protocol, writer, task, asyncio.get_running_loop())


def _may_end_elsewhere(message: RawRequestMessage) -> bool:
    """Whether a proxy may take the request for a longer or a shorter one, so that none may follow it.

    RFC 9112, sections 6.1 and 6.3: HTTP/1.0 knows no Transfer-Encoding, and a length beside it may be an attack.
    """
    return message.version < HttpVersion11 or CONTENT_LENGTH in message.headers


class HttpServer(web.Server):
    """Serves HTTP connections by one function, without the layers of web.Application."""

    def __init__(
        self,
        answer: Callable[[BaseRequest], Awaitable[web.StreamResponse]],
        *,
        patience: Patience,
        most_connections: int,
        most_unread_bytes: int = MOST_UNREAD_BYTES,
    ) -> None:
        # A client that goes away cancels its request, and so its RPC.
        super().__init__(answer, request_factory=_request_of, handler_cancellation=True)
        self._patience = patience
        self._most = most_connections
        self._open: dict[Connection, None] = {}
        """The one first that came first."""
        self._cut: Counter[str] = Counter()
        self._answers: UnreadAnswers[Connection] = UnreadAnswers(self._end_unread, most_unread_bytes)

    def __call__(self) -> web.RequestHandler:
        """The handler of a new connection; the event loop asks for it."""
        return Connection(
            self,
            self._patience,
            self._answers,
            loop=asyncio.get_running_loop(),
            lingering_time=LINGER_SECONDS,
            # The gateway logs by itself, and never a path.
            access_log=None,
            auto_decompress=False,
        )

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Takes a connection in; where there are too many, others make way for it, or it ends."""
        assert isinstance(handler, Connection)  # noqa: S101 (for the type checker)
        super().connection_made(handler, transport)
        if len(self._open) >= self._most and not self._made_way():
            self._end(handler, "refused")
            return
        self._open[handler] = None

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Lets go of a connection."""
        assert isinstance(handler, Connection)  # noqa: S101 (for the type checker)
        self._open.pop(handler, None)
        super().connection_lost(handler, exc)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Cuts off, meanwhile, the clients that are too slow."""
        loop = asyncio.get_running_loop()
        every = min(LOOK_EVERY_SECONDS, self._patience.head / 2, self._patience.reading / 2)

        async def looking() -> None:
            while True:
                await asyncio.sleep(every)
                self._look(loop.time())

        task = loop.create_task(looking())
        try:
            yield
        finally:
            task.cancel()

    def _look(self, now: float) -> None:
        for connection in [each for each in self._open if each.is_too_slow(now, self._patience)]:
            self._end(connection, "slow")
        if self._cut:  # one line, however many they are
            log.info("connections cut", extra=dict(self._cut) | {"open": len(self._open)})
            self._cut.clear()

    def _made_way(self) -> bool:
        """Ends some of those that the server waits for; whether there were any.

        Of each kind those go that it has waited for the longest, and of the kinds the one with the most clients: who
        has just connected, and whose request is still on its way, does not make way for a hoard of half bodies.
        """
        by_kind: dict[Awaited, list[tuple[float, int, Connection]]] = {}
        for number, each in enumerate(self._open):
            if (awaited := each.awaited()) is not None:
                kind, since = awaited
                by_kind.setdefault(kind, []).append((since, number, each))
        most = max(by_kind.values(), key=len, default=[])
        for _, _, connection in nsmallest(max(self._most // SHARE_TO_GO, 1), most):
            self._end(connection, "made_way")
        return bool(most)

    def _end_unread(self, connection: Connection) -> None:
        self._end(connection, "unread")

    def _end(self, connection: Connection, cause: str) -> None:
        self._cut[cause] += 1
        self._open.pop(connection, None)
        if connection.wire is not None:
            connection.wire.abort()
