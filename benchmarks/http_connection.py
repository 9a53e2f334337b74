"""A keep-alive HTTP/1.1 connection that costs its process next to nothing."""

import asyncio
from dataclasses import dataclass
from typing import Self


class UnexpectedAnswerError(Exception):
    """The server answered something that the benchmark did not ask for."""


def request_of(verb: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request as bytes; an underscore in a header's name stands for a hyphen."""
    lines = [f"{verb} {path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(slots=True)
class HttpConnection(asyncio.Protocol):
    """One connection with one request at a time on its way."""

    _transport: asyncio.Transport | None = None
    _answer: asyncio.Future[bytes] | None = None
    _buffer: bytes = b""

    @classmethod
    async def open(cls, port: int) -> Self:
        """A connection to a port of the loopback interface."""
        _, protocol = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return protocol

    async def send(self, request: bytes) -> bytes:
        """The body of the answer.

        Raises:
            UnexpectedAnswerError: the status is not 200 or 201, or the connection ended.
        """
        if self._transport is None:
            raise UnexpectedAnswerError("the connection has ended")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport) and not hasattr(transport, "write"):
            raise TypeError(transport)
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports have a base of their own

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(UnexpectedAnswerError(f"the connection ended: {exc}"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end].lower()
        length_at = head.find(b"\r\ncontent-length:")
        end = head_end + 4 + (int(head[length_at + 17 :].split(b"\r\n", 1)[0]) if length_at >= 0 else 0)
        if len(self._buffer) < end:
            return
        body, self._buffer = self._buffer[head_end + 4 : end], self._buffer[end:]
        self._finish(head, body)

    def _finish(self, head: bytes, body: bytes) -> None:
        if self._answer is None or self._answer.done():
            return
        if head[9:12] in {b"200", b"201"}:
            self._answer.set_result(body)
        else:
            self._answer.set_exception(UnexpectedAnswerError(f"{head[9:40]!r} {body[:300]!r}"))

    def close(self) -> None:
        """Ends the connection."""
        if self._transport is not None:
            self._transport.close()
