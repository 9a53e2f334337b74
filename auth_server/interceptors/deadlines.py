"""Ends a call in time: at the caller's deadline, and at ours where the caller has none or a later one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from auth_server.domain.errors import DeadlineExceededError
from auth_server.interceptors.calls import Call, Handler, Interceptor, Method

LEAST_PAUSE_SECONDS = 5.0
"""What a stream has for each message at the least: those that wait for what happens tell every two that they live."""


def deadlines(longest_seconds: float, longest_upload_seconds: float) -> Interceptor:
    """The interceptor that gives each call at most so long; its statement in the database is cancelled with it.

    A call whose requests are a stream, an upload, gets another measure: it takes as long as its client needs to send.
    A stream of answers may last, yet each message must come in that time; what its client needs to read is not counted.
    """

    def around(method: Method, handler: Handler) -> Handler:
        longest = longest_upload_seconds if method.takes_stream else longest_seconds

        async def handle(request: Any, call: Call) -> Any:
            left = longest if call.seconds_left is None else min(call.seconds_left, longest)
            with _Limit(left):
                answer = await handler(request, call)
            return _each_in(max(longest, LEAST_PAUSE_SECONDS), answer) if method.streams else answer

        return handle

    return around


async def _each_in(seconds: float, stream: AsyncGenerator[Any]) -> AsyncGenerator[Any]:
    """The stream, each of whose messages comes in so many seconds.

    Raises:
        DeadlineExceededError: one did not.
    """
    async with aclosing(stream):
        while True:
            with _Limit(seconds):
                message = await anext(stream, stream)
            if message is stream:  # its end
                return
            yield message


class _Limit:
    """Cancels what runs inside of it when time is up, as asyncio.timeout does at three times the price.

    Raises:
        DeadlineExceededError: time was up.
    """

    __slots__ = ("_cancelling", "_expired", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker: a coroutine makes this)
        self._task = task
        self._cancelling = task.cancelling()
        self._expired = False
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0), self._expire)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._timer.cancel()
        # Somebody else may have cancelled the task as well, whose wish stands.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise DeadlineExceededError from None

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
