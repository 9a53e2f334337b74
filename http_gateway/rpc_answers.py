"""Makes the answer over HTTP of what an RPC has answered: JSON, or a field of it as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from gatepost.v1.options_pb2 import GUARD_PUBLIC
from http_gateway.answer_headers import header_writer_of
from http_gateway.bindings import Binding
from http_gateway.caching import cacheable_answer, etag_of
from http_gateway.headers import JSON_HEADERS, NO_STORE, cacheable_for, headers_for
from http_gateway.json.writing import writer_of
from http_gateway.problems import RefusedError
from http_gateway.rpc_errors import FAULT, NO_ANSWER
from http_gateway.visits import Visit

_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")


class RpcAnswers:
    """The answers of one binding."""

    def __init__(self, binding: Binding, cache_seconds: int) -> None:
        """Compiles what writes them; what everybody is answered alike may be kept so long.

        Raises:
            ValueError: the answer has a field that JSON cannot carry.
        """
        kind = binding.method.output_type
        self._raw = binding.rest.raw if binding.answers_raw else None
        self._write = _writer_of(binding)
        self._headers_of = header_writer_of(kind)
        self._status = binding.rest.success_status or 200
        # What anyone gets by asking for nothing in particular is the same for all, and may be kept a while.
        self._cacheable = (
            binding.guard == GUARD_PUBLIC and binding.verb == "GET" and not binding.method.input_type.fields
        )
        self._cacheable_headers = headers_for("application/json", Cache_Control=cacheable_for(cache_seconds))

    def of(self, visit: Visit, reply: Any) -> web.Response:
        """The answer of a visit, of whose RPC this is the reply.

        Raises:
            RefusedError: the RPC has answered nothing, or what HTTP cannot carry.
        """
        # An HTTP error without a gRPC status has ended as None, not as an error.
        if reply is None:
            raise RefusedError(*NO_ANSWER)
        answer = self._json_of(visit, reply) if self._raw is None else _raw_of(visit, reply, self._raw)
        if self._headers_of is not None:
            answer.headers.update(self._headers_of(reply))
        return answer

    def _json_of(self, visit: Visit, reply: Any) -> web.Response:
        body = orjson.dumps(self._write(reply))
        if self._cacheable:
            return cacheable_answer(visit, body, self._cacheable_headers, etag_of(body))
        response = web.Response(body=body, status=self._status, headers=JSON_HEADERS)
        response.headers["x-request-id"] = visit.request_id
        return response


def _raw_of(visit: Visit, reply: Any, raw: Any) -> web.Response:
    """The field as it is. A browser shows it in a page that asks for it, and by itself neither shows nor runs it.

    Sources: OWASP ASVS 5.0, 3.4.4 and 5.4.1; OWASP File Upload cheat sheet.
    """
    media_type = getattr(reply, raw.media_type)
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise RefusedError(*FAULT)
    headers = headers_for(
        media_type,
        Cache_Control=cacheable_for(raw.max_age_seconds) if raw.max_age_seconds else NO_STORE,
        Content_Disposition="attachment",
        Content_Security_Policy="default-src 'none'; frame-ancestors 'none'; sandbox",
        # The pages that show it are the front end's, of another origin.
        Cross_Origin_Resource_Policy="cross-origin",
    )
    body = getattr(reply, raw.content)
    return cacheable_answer(visit, body, headers, etag_of(body))


def _writer_of(binding: Binding) -> Callable[[Any], Any]:
    """What writes the RPC's answer, or its response_body alone: null where that is unset."""
    kind = binding.method.output_type
    if binding.answers_raw:
        return lambda _: None
    if not binding.response_body:
        return writer_of(kind)
    field = kind.fields_by_name[binding.response_body]
    if field.message_type is None or field.is_repeated:
        write_all, key = writer_of(kind), field.json_name
        return lambda reply: write_all(reply)[key]
    name, write = field.name, writer_of(field.message_type)
    return lambda reply: write(getattr(reply, name)) if reply.HasField(name) else None
