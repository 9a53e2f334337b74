"""Finds the route of each request, and turns refusals into problems."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from time import perf_counter

from aiohttp import web
from aiohttp.web_request import BaseRequest

from http_gateway.headers import request_id_of
from http_gateway.problems import Manners, RefusedError, problem
from http_gateway.routing import RouteTable
from http_gateway.rpc_errors import FAULT
from http_gateway.templates import template_of
from http_gateway.visits import Route, Visit

log = logging.getLogger("http_gateway")

UNMATCHED = "unmatched"
_BEYOND_HOST = re.compile("[/?#]")
_STRANGER = Manners()


class Gateway:
    """Answers HTTP requests by the routes that it is given."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Builds the table of routes.

        Raises:
            ValueError: two routes have one verb and one shape of path.
        """
        self._table: RouteTable[Route] = RouteTable()
        for route in routes:
            verb, _, path = route.name.partition(" ")
            self._table.add(verb, template_of(path), route)

    async def answer(self, request: BaseRequest) -> web.StreamResponse:
        """The answer to a request, whatever happens on the way."""
        started = perf_counter()
        request_id = request_id_of(request.headers)
        route: Route | None = None
        try:
            route, visit = self._visit_of(request, request_id)
            return await route.answer(visit)
        except RefusedError as refusal:
            return _refused(refusal, route, request_id, started)
        except ConnectionError:  # the client went away in the middle of its answer, and reads no other
            raise
        except Exception as defect:  # the one place where a defect of the gateway becomes a status
            return _refused(RefusedError(*FAULT), route, request_id, started, defect=defect)

    def _visit_of(self, request: BaseRequest, request_id: str) -> tuple[Route, Visit]:
        path, query = _target_of(request)
        found = self._table.find(path)
        if found is None:
            raise RefusedError("ROUTE_NOT_FOUND", "No route has this path.")
        route = found.by_verb.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            allowed = sorted({*found.by_verb, *(["HEAD"] if "GET" in found.by_verb else [])})
            raise RefusedError(
                "VERB_NOT_ALLOWED", "The path exists, but not with this verb.", headers={"Allow": ", ".join(allowed)}
            )
        return route, Visit(request, request_id, found.values, query)


def _target_of(request: BaseRequest) -> tuple[str, str]:
    """Path and query string as they were received; nothing is decoded, merged or resolved.

    Raises:
        RefusedError: there is no target: the server takes no request of its version.
    """
    target = request.raw_path
    if not target:
        raise RefusedError("HTTP_INVALID", "The request is of a version that is not HTTP/1.0 or 1.1.")
    if not target.startswith("/"):
        # The absolute form, which a server must take too (RFC 9112, section 3.2.2).
        _, _, after_scheme = target.partition("://")
        beyond_host = _BEYOND_HOST.search(after_scheme)
        target = f"/{after_scheme[beyond_host.end() :]}" if beyond_host and beyond_host[0] == "/" else "/"
    path, _, query = target.partition("?")
    return path, query


def _refused(
    refusal: RefusedError, route: Route | None, request_id: str, started: float, *, defect: Exception | None = None
) -> web.Response:
    manners = route.manners if route else _STRANGER
    # What the server refused has its line in the server's log.
    if not refusal.by_server:
        status = manners.status_of(refusal)
        line = {
            "route": route.name if route else UNMATCHED,
            "status": status,
            "reason": refusal.reason,
            "request_id": request_id,
            "ms": round((perf_counter() - started) * 1000, 1),
        }
        level = logging.ERROR if defect else logging.WARNING if status >= 500 else logging.INFO
        log.log(level, "refused", extra=line, exc_info=defect)
    if refusal.shown is not None:
        return refusal.shown
    return problem(refusal, request_id, manners)
