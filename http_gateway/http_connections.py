"""One HTTP/1.1 connection: what a client may make the server keep for it, and for how long."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, cast

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo
from aiohttp.web_request import BaseRequest

from http_gateway.headers import request_id_of
from http_gateway.problems import Manners, RefusedError, problem
from http_gateway.rpc_errors import FAULT
from http_gateway.unread_answers import UnreadAnswers

log = logging.getLogger("http_gateway")

HEAD_LIMIT_BYTES = 32 * 1024
"""The largest request head: a browser brings along the cookies of all that shares our domain."""
READ_AT_LEAST_BYTES = 64 * 1024
"""What a client must have taken of a waiting answer when its time is over; of a smaller one, all."""
SEND_BUFFER_BYTES = 64 * 1024
"""What the kernel keeps of an answer, which would else be megabytes, and hide for minutes whether a client reads."""
_HEAD_TOO_LARGE = 431  # RFC 6585, section 5
# The parser takes the request lines of RTSP (RFC 7826) and Icecast for HTTP's.
_OTHER_PROTOCOL = re.compile(rb"^[A-Z_]+ [^ \r\n]+ (?:RTSP|ICE)/", re.MULTILINE)
_LINE_LIMIT_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take, in seconds."""

    idle: float
    """To begin a request on a connection that is open."""
    head: float
    """To send a request's head, from its first byte on."""
    reading: float
    """To read READ_AT_LEAST_BYTES of an answer."""


class Awaited(Enum):
    """What a server waits for from a client."""

    FIRST_REQUEST = auto()
    REQUEST = auto()
    BODY = auto()
    READING = auto()


class Connection(web.RequestHandler):
    """One connection; differs from aiohttp's in its bounds, and in its answer to what it cannot parse."""

    __slots__ = (
        "_answers",
        "_before_bytes",
        "_began",
        "_body",
        "_head_began",
        "_head_bytes",
        "_is_other",
        "_is_read",
        "_line",
        "_unread",
        "_unread_since",
        "wire",
    )

    def __init__(
        self, manager: web.Server, patience: Patience, answers: UnreadAnswers[Connection], **more: Any
    ) -> None:
        super().__init__(manager, keepalive_timeout=patience.idle, **more)
        self._answers = answers
        self.wire: asyncio.Transport | None = None
        """The transport, also while it closes."""
        self._before_bytes = 0  # came together with the end of a request, and may begin a head
        self._began = 0.0  # the request that was taken up last
        self._body: Any = None  # of that request
        self._head_began: float | None = None  # the head that is not whole yet
        self._head_bytes = 0
        self._line = b""  # of a head, which is not whole yet
        self._is_other = False  # a head of another protocol than HTTP
        self._is_read = False  # since the measure was taken
        self._unread = 0
        self._unread_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self.wire = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head or a body came."""
        latest_body = self._messages[-1][1] if self._messages else self._body
        requests, in_body = self._request_count, latest_body is not None and not latest_body.is_eof()
        super().data_received(data)
        number = self._request_count - requests
        if number or not in_body:
            self._look_at_lines(data)
        if number:
            self._take_heads(number, self._before_bytes + self._head_bytes + len(data))
        if number or in_body:
            self._before_bytes = len(data)
        elif data and not self._upgraded and not self._close and not self._force_close:
            if self._head_began is None:
                self._head_began = self._loop.time()
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT_BYTES:
                self._refuse_head()

    def take_up(self, body: Any) -> None:
        """Notes that a request of this body is worked on from now on."""
        self._body = body
        self._began = self._loop.time()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 (the signature is aiohttp's)
        """Ends the connection once its request has been answered, or at once when so many seconds are over.

        aiohttp would wait as long again for a handler that it has not even cancelled, and then for the client to read.
        """
        try:
            async with asyncio.timeout(timeout):
                await super().shutdown(timeout)
        except TimeoutError:
            if self._task_handler is not None:
                self._task_handler.cancel()
            if self.wire is not None:
                self.wire.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone, or was cut off."""
        self._answers.forget(self)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        if self.wire is not None:
            self._answers.wait_for(self, self.wire.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The client has read most of what waited for it."""
        self._is_read = True
        self._answers.forget(self)
        super().resume_writing()

    def is_too_slow(self, now: float, patience: Patience) -> bool:
        """Whether the client takes longer for a head, or for reading an answer, than it may; ask every now and then."""
        if self._head_began is not None and now - self._head_began > patience.head and not self._buffer_paused:
            return True
        unread = self.wire.get_write_buffer_size() if self.wire is not None else 0
        if not unread or self._is_read or not self._unread or self._unread - unread >= READ_AT_LEAST_BYTES:
            self._is_read, self._unread, self._unread_since = False, unread, now
            return False
        return now - self._unread_since > patience.reading

    def awaited(self) -> tuple[Awaited, float] | None:
        """What the server waits for from the client, and a time that is the earlier the longer it has; None: nothing.

        While a request is worked on that is there as a whole, it waits for nothing.
        """
        if self._waiter is not None and not self._waiter.done():
            return (Awaited.REQUEST if self._request_count else Awaited.FIRST_REQUEST), self._next_keepalive_close_time
        if self._body is not None and not self._body.is_eof():
            return Awaited.BODY, self._began
        if self.writing_paused or self.transport is None or self._task_handler is None:
            return Awaited.READING, self._began
        return None

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
        if status >= 500:
            refusal = RefusedError(*FAULT)
        else:
            text = "The request does not keep to HTTP, or its head is too long."
            refusal = RefusedError("HTTP_INVALID", text, status=status)
        request_id = request_id_of({})
        line = {"route": "unmatched", "status": refusal.status, "reason": refusal.reason, "request_id": request_id}
        if status >= 500:
            log.error("refused", extra=line, exc_info=exc)
        else:  # the text of a parser's error may quote the request
            log.info("refused", extra=line)
        response = problem(refusal, request_id, Manners())
        response.force_close()
        return response

    def _take_heads(self, number: int, most_bytes: int) -> None:
        """Notes that so many heads are whole, which came in that many bytes at the most."""
        if self._is_other:
            self._refuse(number, _ErrInfo(status=400, exc=ValueError(), message=""))
        self._head_began, self._head_bytes = None, 0
        self._line, self._is_other = b"", False
        if most_bytes > HEAD_LIMIT_BYTES:
            for at in range(-number, 0):
                message, payload = self._messages[at]
                if _head_bytes_of(message) > HEAD_LIMIT_BYTES:
                    self._messages[at] = (_too_large(), payload)

    def _look_at_lines(self, data: bytes) -> None:
        """Notes whether one of these lines, which may come in pieces, begins a request of another protocol."""
        lines = self._line + data if self._line else data
        if b"RTSP/" in lines or b"ICE/" in lines:
            self._is_other = self._is_other or _OTHER_PROTOCOL.search(lines) is not None
        self._line = b"" if lines.endswith(b"\n") else lines.rpartition(b"\n")[2][-_LINE_LIMIT_BYTES:]

    def _refuse(self, number: int, error: _ErrInfo) -> None:
        """Has the latest requests, so many, answered by an error."""
        for at in range(-number, 0):
            self._messages[at] = (error, EMPTY_PAYLOAD)

    def _refuse_head(self) -> None:
        """Answers a head that is too large, though its end has not come; nothing is read any more."""
        self._messages.append((_too_large(), EMPTY_PAYLOAD))
        self._request_count += 1
        self._head_began = None
        self._close = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _too_large() -> _ErrInfo:
    return _ErrInfo(status=_HEAD_TOO_LARGE, exc=ValueError(), message="")


def _head_bytes_of(message: Any) -> int:
    if isinstance(message, _ErrInfo):
        return 0
    return len(message.path) + sum(len(name) + len(value) + 4 for name, value in message.raw_headers)
