"""Answers that a client may keep."""

from __future__ import annotations

import hashlib

from aiohttp import web
from multidict import CIMultiDict

from http_gateway.visits import Visit


def etag_of(body: bytes) -> str:
    """A strong validator of the body (RFC 9110, section 8.8.3)."""
    return '"' + hashlib.sha256(body).hexdigest()[:32] + '"'


def cacheable_answer(visit: Visit, body: bytes, headers: CIMultiDict[str], etag: str) -> web.Response:
    """The body with its ETag, or 304 where the client has it already."""
    given = visit.request.headers.get("If-None-Match", "")
    fresh = etag in (tag.strip().removeprefix("W/") for tag in given.split(","))
    response = web.Response(body=None if fresh else body, status=304 if fresh else 200, headers=headers)
    response.headers["ETag"] = etag
    response.headers["x-request-id"] = visit.request_id
    return response
