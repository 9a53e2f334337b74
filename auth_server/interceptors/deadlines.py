"""Ends a call in time: at the caller's deadline, and at ours where the caller has none or a later one."""

from __future__ import annotations

import asyncio
from typing import Any

from auth_server.domain.errors import DeadlineExceededError
from auth_server.interceptors.calls import Call, Handler, Interceptor, Method


def deadlines(longest_seconds: float) -> Interceptor:
    """The interceptor that gives each call at most so long; its statement in the database is cancelled with it."""

    def around(_: Method, handler: Handler) -> Handler:
        async def handle(request: Any, call: Call) -> Any:
            left = longest_seconds if call.seconds_left is None else min(call.seconds_left, longest_seconds)
            limit = asyncio.timeout(left)
            try:
                async with limit:
                    return await handler(request, call)
            except TimeoutError:
                if limit.expired():
                    raise DeadlineExceededError from None
                raise

        return handle

    return around
