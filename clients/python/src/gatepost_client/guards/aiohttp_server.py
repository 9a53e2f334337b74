"""A guard in front of an aiohttp application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gatepost_client.errors import RoleMissingError
from gatepost_client.guards.callers import enter, leave
from gatepost_client.guards.judging import Judge, Verifier
from gatepost_client.guards.refusals import ROLE_MISSING, Refusal, RefusedError


def aiohttp_guard(
    verifier: Verifier, *, public: Iterable[str] = (), roles: Mapping[str, str] | None = None
) -> Middleware:
    """A middleware that lets a request through only with a good access token in `authorization`.

    Every route is guarded but those of `public`: the path as the route was added (`/items/{id}`), or `/docs/*` for
    all below it. `roles` names routes in the same way, and the role that they ask for. `caller()` says who calls.

    Raises:
        ValueError: a name in `public` or `roles` is none.
    """
    judge = Judge(verifier, public, roles)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            claims = await judge.caller_of(_name_of(request), request.headers.getall("authorization", []))
        except RefusedError as error:
            return _answer(error.refusal)
        entered = enter(claims)
        try:
            return await handler(request)
        except RoleMissingError:
            return _answer(ROLE_MISSING)
        finally:
            leave(entered)

    return guard


def _name_of(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return request.path if resource is None else resource.canonical


def _answer(refusal: Refusal) -> web.Response:
    return web.Response(status=refusal.status, headers=refusal.headers, body=refusal.body)
