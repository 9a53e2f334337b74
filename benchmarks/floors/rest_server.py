"""The bare REST server: aiohttp handlers over whatever answers them."""

from datetime import datetime
from typing import Any, Protocol

import orjson
from aiohttp import web

Json = dict[str, Any]
Metadata = list[tuple[str, str]]
_CREDENTIALS = "x-auth-secret", "authorization"


class Answers(Protocol):
    """Where the answers come from: PostgreSQL, or a gRPC server, which is told who calls."""

    async def session_and_user(self, token: str, caller: Metadata) -> Json: ...

    async def user_by_email(self, email: str, caller: Metadata) -> Json: ...

    async def create_session(self, token: str, user_id: str, expires: datetime, caller: Metadata) -> Json: ...

    async def delete_session(self, token: str, caller: Metadata) -> Json: ...

    async def login(self, email: str, caller: Metadata) -> Json: ...

    async def refresh(self, token: str, caller: Metadata) -> Json: ...


class Handlers:
    """The handlers of the measured calls."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def session_and_user(self, request: web.Request) -> web.Response:
        return _json(await self._answers.session_and_user(request.match_info["token"], _caller_of(request)))

    async def user_by_email(self, request: web.Request) -> web.Response:
        return _json(await self._answers.user_by_email(request.query["email"], _caller_of(request)))

    async def create_session(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        expires = datetime.fromisoformat(body["expires"])
        session = body["sessionToken"], body["userId"], expires
        return _json(await self._answers.create_session(*session, _caller_of(request)))

    async def delete_session(self, request: web.Request) -> web.Response:
        return _json(await self._answers.delete_session(request.match_info["token"], _caller_of(request)))

    async def login(self, request: web.Request) -> web.Response:
        email = orjson.loads(await request.read())["email"]
        return _json(await self._answers.login(email, _caller_of(request)))

    async def refresh(self, request: web.Request) -> web.Response:
        orjson.loads(await request.read())
        token = request.headers["authorization"].removeprefix("Refresh ")
        return _json(await self._answers.refresh(token, _caller_of(request)))


def application(answers: Answers) -> web.Application:
    """The routes of the measured calls."""
    handlers = Handlers(answers)
    app = web.Application()
    app.router.add_get("/adapter/get-session/{token}", handlers.session_and_user)
    app.router.add_get("/adapter/get-user-by-email", handlers.user_by_email)
    app.router.add_post("/adapter/create-session", handlers.create_session)
    app.router.add_delete("/adapter/delete-session/{token}", handlers.delete_session)
    app.router.add_post("/auth/login", handlers.login)
    app.router.add_post("/auth/refresh", handlers.refresh)
    return app


def _caller_of(request: web.Request) -> Metadata:
    """What a gateway has to pass on: the credential, and who presents it."""
    given = [(name, request.headers[name]) for name in _CREDENTIALS if name in request.headers]
    return [*given, ("x-client-address", request.remote or "")]


def _json(body: Json) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")
