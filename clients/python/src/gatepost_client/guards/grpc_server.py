"""A guard in front of a grpc.aio server."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import grpc

from gatepost_client.errors import RoleMissingError
from gatepost_client.guards.callers import enter
from gatepost_client.guards.judging import Judge, Verifier
from gatepost_client.guards.refusals import ROLE_MISSING, Refusal, RefusedError

_Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]


class GrpcGuard(grpc.aio.ServerInterceptor):
    """Lets a call through to its method only with a good access token in `authorization` metadata.

    Every method is guarded but those of `public`: `/package.Service/Method`, or `/package.Service/*` for all of a
    service. `roles` names methods in the same way, and the role that they ask for. `caller()` says who calls, in
    methods that are coroutines or async generators; gRPC hands no context to others.
    """

    def __init__(
        self, verifier: Verifier, *, public: Iterable[str] = (), roles: Mapping[str, str] | None = None
    ) -> None:
        """A guard that asks the verifier.

        Raises:
            ValueError: a name in `public` or `roles` is none.
        """
        self._judge = Judge(verifier, public, roles)

    async def intercept_service(self, continuation: _Continuation, handler_call_details: Any) -> Any:
        """The method's own handler, or one that refuses."""
        authorization = [
            value if isinstance(value, str) else ""
            for key, value in handler_call_details.invocation_metadata
            if key == "authorization"
        ]
        try:
            claims = await self._judge.caller_of(handler_call_details.method, authorization)
        except RefusedError as error:
            return _refusing(error.refusal)
        # The method runs in this task, so in this context.
        enter(claims)
        handler = await continuation(handler_call_details)
        return None if handler is None else _asking_for_roles(handler)


def _refusing(refusal: Refusal) -> grpc.RpcMethodHandler[Any, Any]:
    async def refuse(_: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await _abort(context, refusal)

    # Of both streaming forms, it reads no request first; a caller of any form takes the status.
    return grpc.stream_stream_rpc_method_handler(refuse)


def _asking_for_roles(handler: Any) -> Any:
    """The handler, in which `require_role` refuses."""
    form = f"{_form(handler.request_streaming)}_{_form(handler.response_streaming)}"
    method = getattr(handler, form)
    if inspect.iscoroutinefunction(method):
        around: Any = _around_coroutine(method)
    elif inspect.isasyncgenfunction(method):
        around = _around_generator(method)
    else:
        return handler
    made = getattr(grpc, f"{form}_rpc_method_handler")
    return made(around, handler.request_deserializer, handler.response_serializer)


def _form(streaming: bool) -> str:
    return "stream" if streaming else "unary"


def _around_coroutine(method: Any) -> Any:
    async def called(request: Any, context: Any) -> Any:
        try:
            return await method(request, context)
        except RoleMissingError:
            await _abort(context, ROLE_MISSING)

    return called


def _around_generator(method: Any) -> Any:
    async def called(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            async with aclosing(method(request, context)) as answers:
                async for answer in answers:
                    yield answer
        except RoleMissingError:
            await _abort(context, ROLE_MISSING)

    return called


async def _abort(context: Any, refusal: Refusal) -> None:
    await context.abort(refusal.code, refusal.detail, refusal.trailing_metadata)
