"""A guard in front of any ASGI application, such as FastAPI's and Starlette's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from gatepost_client.errors import RoleMissingError
from gatepost_client.guards.callers import enter, leave
from gatepost_client.guards.judging import Judge, Verifier
from gatepost_client.guards.refusals import ROLE_MISSING, Refusal, RefusedError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
_DENIAL = "websocket.http.response"


class AsgiGuard:
    """Lets requests and WebSockets through only with a good access token in `authorization`.

    Every path is guarded but those of `public`: `/healthz`, or `/docs/*` for all below it. `roles` names paths in the
    same way, and the role that they ask for. `caller()` says who calls. A WebSocket is judged when it opens.
    """

    def __init__(
        self, app: App, verifier: Verifier, *, public: Iterable[str] = (), roles: Mapping[str, str] | None = None
    ) -> None:
        """A guard in front of the application.

        Raises:
            ValueError: a name in `public` or `roles` is none.
        """
        self._app = app
        self._judge = Judge(verifier, public, roles)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application, or refuses.

        Raises:
            ValueError: the scope is of a kind that nobody could have guarded.
        """
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        answer = _answers.get(scope["type"])
        if answer is None:
            raise ValueError(f"unknown kind of scope: {scope['type']!r}")
        authorization = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        try:
            claims = await self._judge.caller_of(scope["path"], authorization)
        except RefusedError as error:
            await answer(error.refusal, scope, receive, send)
            return
        started = _Started(send)
        entered = enter(claims)
        try:
            await self._app(scope, receive, started)
        except RoleMissingError:
            if started.is_so:
                raise
            await _refuse(ROLE_MISSING, scope, send)
        finally:
            leave(entered)


class _Started:
    """The `send` of a request, which knows whether something went out."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_so = False

    async def __call__(self, message: Message) -> None:
        self.is_so = True
        await self._send(message)


async def _refuse_request(refusal: Refusal, scope: Scope, _: Receive, send: Send) -> None:
    await _refuse(refusal, scope, send)


async def _refuse_websocket(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # websocket.connect, which a server may want to be taken first
    await _refuse(refusal, scope, send)


async def _refuse(refusal: Refusal, scope: Scope, send: Send) -> None:
    kind = "http.response"
    if scope["type"] == "websocket":
        if _DENIAL not in (scope.get("extensions") or {}):
            # The server makes 403 of it.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.reason})
            return
        kind = _DENIAL
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in refusal.headers.items()]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": refusal.body})


_answers = {"http": _refuse_request, "websocket": _refuse_websocket}
