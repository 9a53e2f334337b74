"""Ctrl-C, SIGTERM and SIGHUP end the work in order; a second signal ends the wait for balancers, or the process."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedError(BaseException):
    """A signal asked for the end; no `except Exception` takes it for a failure."""


class StopSignals:
    """Raises StoppedError in what runs inside `with` when a signal asks for the end."""

    def __init__(self) -> None:
        self._stopping = False
        self._cancel: Callable[[], object] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Takes the signals over."""
        self._before = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs the work in an event loop until it ends or is told to, by cancellation.

        Raises:
            StoppedError: it was told to.
        """
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(self._stoppable(work))
            except asyncio.CancelledError as error:
                raise StoppedError from error

    async def _stoppable(self, work: Coroutine[Any, Any, None]) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker: this is a coroutine)
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            await work
        finally:
            self._cancel = None

    def _receive(self, number: int, _: object) -> None:
        if self._stopping:
            if number == signal.SIGINT:
                os._exit(130)  # the supervisor of an embedded database ends that in any case
            return
        self._stopping = True
        if self._cancel is None:
            raise StoppedError
        self._cancel()


async def until_stopped() -> None:
    """Waits for a signal, and ends without an error when one comes: what is open can close in peace."""
    # Code and descriptors stay to the end: left out, each collection has only what requests have made to look through.
    gc.collect()
    gc.freeze()
    task = asyncio.current_task()
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        if task is not None:
            task.uncancel()


async def until_signalled_again(seconds: float) -> None:
    """Waits so long, or until one more signal comes."""
    loop, again = asyncio.get_running_loop(), asyncio.Event()

    def receive(*_: object) -> None:
        loop.call_soon_threadsafe(again.set)

    before = {number: signal.signal(number, receive) for number in _SIGNALS}
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(again.wait(), seconds)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
