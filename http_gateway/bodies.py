"""Takes the body of an HTTP request, bounded in size and time."""

from __future__ import annotations

import asyncio

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import BaseRequest

from http_gateway.forms import MEDIA_TYPE as FORM
from http_gateway.problems import RefusedError

# text/plain is what fetch says of a string whose type its caller did not name, as of JSON.stringify's.
_JSON_TYPES = frozenset({"application/json", "text/plain"})


async def body_of(request: BaseRequest, limit_bytes: int, timeout_seconds: float, *, takes_form: bool = False) -> bytes:
    """The body of a request; empty where it has none.

    Raises:
        RefusedError: it is too large, broken, or of another media type than JSON, or than a form where that is taken.
        TimeoutError: it did not arrive in time.
    """
    if not request.body_exists:
        return b""
    if (request.content_length or 0) > limit_bytes:
        raise _too_large(limit_bytes)
    content = request.content
    await invite(request)
    try:
        if content.is_eof():
            body = content.read_nowait()
        else:
            async with asyncio.timeout(timeout_seconds):
                body = await _read(content, limit_bytes)
    except (HttpProcessingError, web.RequestPayloadError, ConnectionError):
        raise RefusedError("HTTP_INVALID", "The body does not keep to HTTP, or ended early.") from None
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    if body:
        _check_media_type(request, takes_form=takes_form)
    return body


def is_form(request: BaseRequest) -> bool:
    """Whether the body says that it is a form."""
    return _media_type_of(request) == FORM


async def invite(request: BaseRequest, *, after_seconds: float = 0) -> None:
    """Tells a client that waits for leave to send its body that it may (RFC 9110, section 10.1.1), so much later.

    Raises:
        RefusedError: it expects something else.
    """
    expected = request.headers.get("Expect")
    if expected is None or request.version < HttpVersion11:
        return
    if expected.lower() != "100-continue":
        raise RefusedError("HTTP_INVALID", "The header Expect asks for what is not known.", status=417)
    if after_seconds:
        await asyncio.sleep(after_seconds)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # The count is of the answer, which begins only now.
    request.writer.output_size = 0


async def _read(content: StreamReader, limit_bytes: int) -> bytes:
    chunks = bytearray()
    while len(chunks) <= limit_bytes:
        chunk = await content.readany()
        if not chunk:
            break
        chunks += chunk
    return bytes(chunks)


def _check_media_type(request: BaseRequest, *, takes_form: bool) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RefusedError("MEDIA_TYPE_UNSUPPORTED", "The body must not be compressed.")
    media_type = _media_type_of(request)
    if media_type in _JSON_TYPES or (media_type.startswith("application/") and media_type.endswith("+json")):
        return
    if not takes_form:
        raise RefusedError("MEDIA_TYPE_UNSUPPORTED", "The body must be application/json.")
    if media_type != FORM:
        raise RefusedError("MEDIA_TYPE_UNSUPPORTED", f"The body must be application/json or {FORM}.")


def _media_type_of(request: BaseRequest) -> str:
    return request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()


def _too_large(limit_bytes: int) -> RefusedError:
    return RefusedError("REQUEST_TOO_LARGE", f"The body is larger than {limit_bytes} bytes.")
