"""The threads that hash passwords: few, apart from the event loop, and with a bounded queue."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Somebody's place in the queue, or in a thread."""

    party: str
    hashing: Callable[[], Any]
    answer: Future[Any]

    def work(self) -> None:
        """Hashes, and tells whoever waits for it."""
        try:
            answer = self.hashing()
        except BaseException as error:  # as an executor does
            self.answer.set_exception(error)
        else:
            self.answer.set_result(answer)


class HashPool:
    """Runs hashing in `width` threads while at most `queue` more wait.

    Who waits belongs to a party. The parties take turns, and where the queue is full, a party with more places gives
    its last one up to another with fewer: so a flood delays and refuses itself, and others wait for a turn of each.
    """

    def __init__(self, *, width: int, queue: int, party_of: Callable[[], str] = str) -> None:
        """A pool; `party_of` tells the party of the request that is served."""
        self._executor = ThreadPoolExecutor(width, thread_name_prefix="hash", initializer=_step_back)
        self._width = width
        self._room = width + queue
        self._party_of = party_of
        self._waiting: dict[str, deque[_Place]] = {}
        """By party, the one first whose turn is next."""
        self._busy = 0
        """Places in the queue and in threads."""
        self._threads = 0
        self._closed = False
        self._lock = threading.Lock()
        self._last_seconds = 0.25  # bcrypt at cost 12; the real time after the first hash

    async def run(self, hashing: Callable[..., Result], *arguments: object) -> Result:
        """What the hashing answers. A caller that goes away while waiting gives its place up.

        Raises:
            HashingBusyError: too many wait; it says after how long the queue will have moved on.
        """
        place = _Place(self._party_of(), functools.partial(hashing, *arguments), Future())
        place.answer.add_done_callback(lambda _: self._leave(place))
        with self._lock:
            given_up = self._make_room(place.party)
            self._busy += 1
            self._waiting.setdefault(place.party, deque()).append(place)
            needs_thread = self._threads < self._width
            self._threads += needs_thread
        if given_up is not None:
            given_up.answer.set_exception(HashingBusyError(retry_after=self._wait()))
        if needs_thread:
            self._executor.submit(self._work)
        return await asyncio.wrap_future(place.answer)

    def close(self) -> None:
        """Ends the threads; hashing that has not begun is dropped."""
        with self._lock:
            self._closed = True
            dropped = [place for places in self._waiting.values() for place in places]
        for place in dropped:
            place.answer.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _make_room(self, party: str) -> _Place | None:
        """The place that is given up for one more of this party, where the queue is full."""
        if self._busy < self._room:
            return None
        most = max(self._waiting.values(), key=len, default=deque[_Place]())
        if len(most) < len(self._waiting.get(party, ())) + 2:
            raise HashingBusyError(retry_after=self._wait())
        return most.pop()

    def _work(self) -> None:
        """Hashes for one party after the other, until nobody waits."""
        while (place := self._next()) is not None:
            if place.answer.set_running_or_notify_cancel():
                began = time.perf_counter()
                place.work()
                self._last_seconds = time.perf_counter() - began

    def _next(self) -> _Place | None:
        with self._lock:
            if self._closed or not self._waiting:
                self._threads -= 1
                return None
            party, places = next(iter(self._waiting.items()))
            place = places.popleft()
            del self._waiting[party]
            if places:
                self._waiting[party] = places  # behind all others
            return place

    def _leave(self, place: _Place) -> None:
        with self._lock:
            self._busy -= 1
            places = self._waiting.get(place.party, deque())
            if place in places:  # who waited went away
                places.remove(place)
                if not places:
                    del self._waiting[place.party]

    def _wait(self) -> timedelta:
        return timedelta(seconds=max(1.0, self._last_seconds * self._busy / self._width))
