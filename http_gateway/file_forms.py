"""Reads forms that hold one file, multipart/form-data, as they come (RFC 7578, RFC 2046 section 5.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import Message
from email.parser import BytesHeaderParser

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from http_gateway.problems import RefusedError, Violation

MEDIA_TYPE = "multipart/form-data"
PIECE_BYTES = 32_768
"""The most of a file that is handed on at once; a message of an RPC holds it."""

_LINE_END = b"\r\n"
_HEAD_LIMIT_BYTES = 4096
_BOUNDARY_LIMIT_CHARACTERS = 70  # RFC 2046, section 5.1.1
_SHOWN_NAME_CHARACTERS = 64
# Encodings that leave the bytes as they are; RFC 7578, section 4.7 has no use for others.
_PLAIN_ENCODINGS = ("7bit", "8bit", "binary")


def boundary_of(content_type: str) -> bytes:
    """What parts a form that is sent under this Content-Type.

    Raises:
        RefusedError: it is no multipart/form-data, or names no boundary.
    """
    head = Message()
    head["Content-Type"] = content_type.replace("\r", "").replace("\n", "")
    boundary = _parameter_of(head, "Content-Type", "boundary").rstrip()
    good = boundary.isprintable() and 0 < len(boundary) <= _BOUNDARY_LIMIT_CHARACTERS
    if not content_type.isascii() or head.get_content_type() != MEDIA_TYPE or not (good and boundary.isascii()):
        raise RefusedError("MEDIA_TYPE_UNSUPPORTED", f"The body must be {MEDIA_TYPE} with a boundary.")
    return boundary.encode()


class FileForm:
    """A form that holds the file `part` and nothing else, of a request whose body is still to come."""

    def __init__(self, content: StreamReader, boundary: bytes, part: str, limit_bytes: int) -> None:
        """The form, whose body may have so many bytes as a whole."""
        self._content = content
        self._between = _LINE_END + b"--" + boundary
        self._part = part
        self._limit_bytes = limit_bytes
        self._taken_bytes = 0
        # The first boundary stands at the beginning of a line, of which there is none before it.
        self._held = bytearray(_LINE_END)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The file, in pieces of up to PIECE_BYTES; it is whole when the last one has come and the iterator ends.

        Raises:
            RefusedError: the body is no such form, ends early or is too large.
        """
        await self._hold(len(self._between) + 4)
        if self._held.startswith(_LINE_END * 2):  # an empty line before the first boundary, which some send
            del self._held[:2]
        if await self._is_last_boundary():
            raise self._not_the_file()
        self._check(await self._head())
        while (end := self._held.find(self._between)) < 0:
            # Its last bytes may be the beginning of a boundary.
            for piece in self._cut(len(self._held) - len(self._between) + 1):
                yield piece
            await self._take()
        for piece in self._cut(end):
            yield piece
        if not await self._is_last_boundary():
            raise self._not_the_file(_parameter_of(await self._head(), "Content-Disposition", "name"))
        # What follows means nothing, but the connection is of use again once it is read.
        while await self._more():
            self._held.clear()

    async def _is_last_boundary(self) -> bool:
        """Steps over a boundary, and over the rest of its line unless it was the last one."""
        await self._hold(len(self._between) + 2)
        if not self._held.startswith(self._between):
            raise _malformed()
        is_last = self._held[len(self._between) : len(self._between) + 2] == b"--"
        del self._held[: len(self._between)]
        if not is_last and (await self._up_to(_LINE_END)).strip(b" \t"):
            raise _malformed()
        return is_last

    async def _head(self) -> Message:
        """The part's headers."""
        # Of a part without any, the empty line that ends them is the first.
        await self._hold(2)
        end = _LINE_END if self._held.startswith(_LINE_END) else _LINE_END * 2
        return BytesHeaderParser().parsebytes(await self._up_to(end))

    def _check(self, head: Message) -> None:
        name = _parameter_of(head, "Content-Disposition", "name")
        if head.get_content_disposition() != "form-data" or name != self._part:
            raise self._not_the_file(name)
        if str(head.get("Content-Transfer-Encoding", "binary")).strip().lower() not in _PLAIN_ENCODINGS:
            raise RefusedError("MEDIA_TYPE_UNSUPPORTED", "The file must be sent as it is, in no encoding.")

    def _cut(self, end: int) -> list[bytes]:
        """Takes what is held up to there, in pieces."""
        if end <= 0:
            return []
        pieces = [bytes(self._held[at : min(at + PIECE_BYTES, end)]) for at in range(0, end, PIECE_BYTES)]
        del self._held[:end]
        return pieces

    async def _up_to(self, mark: bytes) -> bytes:
        """What is before a mark, which is stepped over; the mark must come soon."""
        while (at := self._held.find(mark, 0, _HEAD_LIMIT_BYTES)) < 0:
            if len(self._held) >= _HEAD_LIMIT_BYTES:
                raise _malformed()
            await self._take()
        before = bytes(self._held[:at])
        del self._held[: at + len(mark)]
        return before

    async def _hold(self, count: int) -> None:
        """Takes what comes until so many bytes are held."""
        while len(self._held) < count:
            await self._take()

    async def _take(self) -> None:
        """Takes what has come, or comes next, of a form that has not ended."""
        if not await self._more():
            raise _malformed()

    async def _more(self) -> bool:
        """Takes what has come, or comes next; whether there was anything before the body's end."""
        try:
            chunk = await self._content.readany()
        except (HttpProcessingError, web.RequestPayloadError, ConnectionError):
            raise _malformed() from None
        self._taken_bytes += len(chunk)
        if self._taken_bytes > self._limit_bytes:
            raise too_large(self._limit_bytes)
        self._held += chunk
        return bool(chunk)

    def _not_the_file(self, name: str = "") -> RefusedError:
        """The refusal of a form with a part of this name, or with none where it is empty."""
        if name and name != self._part:
            violation = Violation(name[:_SHOWN_NAME_CHARACTERS], f"is not known; the form holds {self._part} alone")
        else:
            violation = Violation(self._part, "must be in the form, once")
        return RefusedError("REQUEST_INVALID", "The request is not valid.", violations=[violation])


def too_large(limit_bytes: int) -> RefusedError:
    """The refusal of a body beyond its limit."""
    return RefusedError("REQUEST_TOO_LARGE", f"The body is larger than {limit_bytes} bytes.")


def _parameter_of(head: Message, header: str, name: str) -> str:
    """The header's parameter; empty where there is none, or one that cannot be read.

    The standard library fails in several ways on what mixes the forms of RFC 2231, which forms do without (RFC 7578,
    section 4.2).
    """
    try:
        given = head.get_param(name, "", header)
    except (TypeError, ValueError):
        return ""
    return given if isinstance(given, str) else ""


def _malformed() -> RefusedError:
    return RefusedError("HTTP_INVALID", f"The body is no {MEDIA_TYPE}, or ended early.")
