"""HTTP/2 frame by frame (RFC 9113), for what no gRPC client would send."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
ACK, END_HEADERS = 1, 4
CANCEL, ENHANCE_YOUR_CALM = 8, 11


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0)


def reset(stream: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))


def request_headers(path: str, **more: str) -> bytes:
    """The head of a call, in HPACK (RFC 7541) without any table or Huffman code."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "x",
        "te": "trailers",
        "content-type": "application/grpc",
        **more,
    }
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields.items())


def _text(text: str) -> bytes:
    assert len(text) < 127
    return bytes((len(text),)) + text.encode()


class Http2:
    """One connection, whose frames are kept as they come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> Http2:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PREFACE)
        return cls(reader, writer)

    async def until(self, kind: int) -> bytes | None:
        """The payload of the next frame of a kind; None where the connection ends before."""
        try:
            while True:
                head = await self._reader.readexactly(9)
                payload = await self._reader.readexactly(int.from_bytes(head[:3]))
                if head[3] == kind:
                    return payload
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def close(self, *_: Any) -> None:
        self.writer.transport.abort()
