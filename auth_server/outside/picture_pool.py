"""The threads that draw pictures anew, and how many uploads are held at a time."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from auth_server.domain.errors import ImagesBusyError

Result = TypeVar("Result")
PLACES_OF_A_USER = 2
COME_BACK_AFTER = timedelta(seconds=2)


class Place:
    """The place of one upload."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self.work: Future[Any] | None = None

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """What the work answers, done in a thread of the pool."""
        self.work = self._executor.submit(work, *arguments)
        answer: Result = await asyncio.wrap_future(self.work)
        return answer


class PicturePool:
    """Runs work in `width` threads, for as many uploads as there are `places`."""

    def __init__(self, *, width: int, places: int) -> None:
        self._executor = ThreadPoolExecutor(width, thread_name_prefix="picture")
        self._places = places
        self._taken: Counter[UUID] = Counter()
        self._lock = threading.Lock()  # a thread that ends gives a place back as well

    @contextmanager
    def place(self, user_id: UUID) -> Iterator[Place]:
        """A place for an upload of this user; it is free again afterwards, once its thread has ended too.

        Raises:
            ImagesBusyError: all are taken, or PLACES_OF_A_USER by this user.
        """
        with self._lock:
            if self._taken.total() >= self._places or self._taken[user_id] >= PLACES_OF_A_USER:
                raise ImagesBusyError(retry_after=COME_BACK_AFTER)
            self._taken[user_id] += 1
        place = Place(self._executor)
        try:
            yield place
        finally:
            if place.work is None:
                self._leave(user_id)
            else:  # of a caller who went away, the thread is still at it
                place.work.add_done_callback(lambda _: self._leave(user_id))

    def close(self) -> None:
        """Ends the threads; work that has not begun is dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _leave(self, user_id: UUID) -> None:
        with self._lock:
            self._taken[user_id] -= 1
            if not self._taken[user_id]:
                del self._taken[user_id]
