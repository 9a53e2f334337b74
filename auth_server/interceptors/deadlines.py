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
SHARED_SECONDS = 0.02


def deadlines(longest_seconds: float, longest_upload_seconds: float) -> Interceptor:
    """The interceptor that gives each call at most so long; its statement in the database is cancelled with it.

    A call whose requests are a stream, an upload, gets another measure: it takes as long as its client needs to send.
    A stream of answers may last, yet each message must come in that time; what its client needs to read is not counted.
    """
    limits = TimeLimits()

    def around(method: Method, handler: Handler) -> Handler:
        longest = longest_upload_seconds if method.takes_stream else longest_seconds

        async def handle(request: Any, call: Call) -> Any:
            left = longest if call.seconds_left is None else min(call.seconds_left, longest)
            with limits.of(left):
                answer = await handler(request, call)
            return _each_in(limits, max(longest, LEAST_PAUSE_SECONDS), answer) if method.streams else answer

        return handle

    return around


async def _each_in(limits: TimeLimits, seconds: float, stream: AsyncGenerator[Any]) -> AsyncGenerator[Any]:
    """The stream, each of whose messages comes in so many seconds.

    Raises:
        DeadlineExceededError: one did not.
    """
    async with aclosing(stream):
        while True:
            with limits.of(seconds):
                message = await anext(stream, stream)
            if message is stream:  # its end
                return
            yield message


class TimeLimits:
    """Cancels what takes too long; all that ends within the same 20 ms shares a timer, at whose end it is.

    A timer of its own, made and cancelled, costs a call as much as its guard.
    """

    def __init__(self) -> None:
        self._ending: dict[int, set[TimeLimit]] = {}

    def of(self, seconds: float) -> TimeLimit:
        """Gives what runs inside of it so many seconds from now on, of which there may be less than none."""
        return TimeLimit(self._ending, seconds)


class TimeLimit:
    """A context manager, as asyncio.timeout is at many times the price.

    Raises:
        DeadlineExceededError: time was up.
    """

    __slots__ = ("_cancelling", "_ending", "_expired", "_seconds", "_sharing", "_task")

    def __init__(self, ending: dict[int, set[TimeLimit]], seconds: float) -> None:
        self._ending = ending
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        if self._seconds <= 0:
            raise DeadlineExceededError
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 (for the type checker: a coroutine enters this)
        self._task = task
        self._cancelling = task.cancelling()
        end = int((loop.time() + self._seconds) / SHARED_SECONDS) + 1
        sharing = self._ending.get(end)
        if sharing is None:
            sharing = self._ending[end] = set()
            loop.call_at(end * SHARED_SECONDS, _expire, self._ending, end)
        sharing.add(self)
        self._sharing = sharing

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._sharing.discard(self)
        # Somebody else may have cancelled the task as well, whose wish stands.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise DeadlineExceededError from None

    def expire(self) -> None:
        """Cancels what runs inside."""
        self._expired = True
        self._task.cancel()


def _expire(ending: dict[int, set[TimeLimit]], end: int) -> None:
    for limit in ending.pop(end):
        limit.expire()
