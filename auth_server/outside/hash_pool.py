"""The threads that hash passwords: few, apart from the event loop, and with a bounded queue."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

from auth_server.domain.errors import HashingBusyError

Result = TypeVar("Result")
HASHING_NICENESS = 10


def default_width() -> int:
    """One thread less than this process may use cores, so that one stays free for everything else."""
    return max(1, len(os.sched_getaffinity(0)) - 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 2) - 1)


def _step_back() -> None:
    """Lets the event loop and the database go first where they share a core with a thread that hashes."""
    if sys.platform == "linux":  # elsewhere the number would name a process, not this thread
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), HASHING_NICENESS)


class HashPool:
    """Runs hashing in `width` threads while at most `queue` more wait."""

    def __init__(self, *, width: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(width, thread_name_prefix="hash", initializer=_step_back)
        self._width = width
        self._room = width + queue
        self._busy = 0
        self._lock = threading.Lock()
        self._last_seconds = 0.25  # bcrypt at cost 12; the real time after the first hash

    async def run(self, hashing: Callable[..., Result], *arguments: object) -> Result:
        """What the hashing answers. A caller that goes away while waiting gives its place up.

        Raises:
            HashingBusyError: too many wait; it says after how long the queue will have moved on.
        """
        with self._lock:
            if self._busy >= self._room:
                raise HashingBusyError(retry_after=self._wait())
            self._busy += 1
        future = self._executor.submit(self._timed, hashing, *arguments)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Ends the threads; hashing that has not begun is dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _timed(self, hashing: Callable[..., Result], *arguments: object) -> Result:
        began = time.perf_counter()
        try:
            return hashing(*arguments)
        finally:
            self._last_seconds = time.perf_counter() - began

    def _leave(self, _: Future[Any]) -> None:
        with self._lock:
            self._busy -= 1

    def _wait(self) -> timedelta:
        return timedelta(seconds=max(1.0, self._last_seconds * self._busy / self._width))
