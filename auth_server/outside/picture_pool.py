"""The threads that draw pictures anew, and how many uploads are held at a time."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from auth_server.domain.image_errors import ImagesBusyError, ImageTooLargeError

Result = TypeVar("Result")
PLACES_OF_A_USER = 2
COME_BACK_AFTER = timedelta(seconds=2)
GRACE_SECONDS = 3.0
"""How long an upload may take before anybody asks how fast it comes."""
SLOW_BYTES_PER_SECOND = 64 * 1024
"""An upload that comes slower has to go where its place is needed; at this speed, the largest takes minutes."""


class Place:
    """The place of one upload."""

    def __init__(self, user_id: UUID, executor: ThreadPoolExecutor) -> None:
        self.user_id = user_id
        self.work: Future[Any] | None = None
        self._executor = executor
        self.began = asyncio.get_running_loop().time()
        self._received_bytes = 0
        self._receiving: asyncio.Timeout | None = None
        self._has_given_way = False

    async def receive(self, pieces: AsyncIterator[bytes], most_bytes: int) -> bytes:
        """The file of these pieces.

        Raises:
            ImageTooLargeError: it has more bytes than that.
            ImagesBusyError: it came so slowly that the place is another's now.
        """
        file = bytearray()
        receiving = self._receiving = asyncio.timeout(None)
        try:
            async with receiving:
                async for piece in pieces:
                    file += piece
                    self._received_bytes = len(file)
                    if len(file) > most_bytes:
                        raise ImageTooLargeError
        except TimeoutError:
            if not receiving.expired():
                raise
        finally:
            self._receiving = None
        if self._has_given_way:  # be it in the moment in which the last piece came
            raise ImagesBusyError(retry_after=COME_BACK_AFTER)
        return bytes(file)

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """What the work answers, done in a thread of the pool."""
        self.work = self._executor.submit(work, *arguments)
        answer: Result = await asyncio.wrap_future(self.work)
        return answer

    def slowness(self) -> float | None:
        """How many bytes a second have come; None where they were enough, or nothing is to come any more."""
        seconds = asyncio.get_running_loop().time() - self.began
        if self._receiving is None or seconds < GRACE_SECONDS:
            return None
        speed = self._received_bytes / seconds
        return speed if speed < SLOW_BYTES_PER_SECOND else None

    @property
    def is_receiving(self) -> bool:
        """Whether pieces are still to come."""
        return self._receiving is not None

    def give_way(self) -> None:
        """Ends `receive`, which must be under way."""
        self._has_given_way = True
        if self._receiving is not None:
            self._receiving.reschedule(asyncio.get_running_loop().time())


class PicturePool:
    """Runs work in `width` threads, for as many uploads as there are `places`."""

    def __init__(self, *, width: int, places: int) -> None:
        self._executor = ThreadPoolExecutor(width, thread_name_prefix="picture")
        self._places = places
        self._taken: set[Place] = set()
        self._lock = threading.Lock()  # a thread that ends gives a place back as well

    @contextmanager
    def place(self, user_id: UUID) -> Iterator[Place]:
        """A place for an upload of this user; it is free again afterwards, once its thread has ended too.

        Where all are taken, or PLACES_OF_A_USER by this user, the slowest of them gives way if it is slow: else a few
        clients that send a byte now and then would keep everybody out. Where none is slow, who has no place gets that
        of somebody who has two.

        Raises:
            ImagesBusyError: nobody has to give way.
        """
        place = Place(user_id, self._executor)
        with self._lock:
            self._make_way(user_id)
            self._taken.add(place)
        try:
            yield place
        finally:
            if place.work is None:
                self._leave(place)
            else:  # of a caller who went away, the thread is still at it
                place.work.add_done_callback(lambda _: self._leave(place))

    def close(self) -> None:
        """Ends the threads; work that has not begun is dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _make_way(self, user_id: UUID) -> None:
        own = [each for each in self._taken if each.user_id == user_id]
        if len(own) >= PLACES_OF_A_USER:
            among = own
        elif len(self._taken) >= self._places:
            among = list(self._taken)
        else:
            return
        slow = [(speed, id(each), each) for each in among if (speed := each.slowness()) is not None]
        going = None if own else self._second_place()
        if slow:
            *_, going = min(slow)
        if going is None:
            raise ImagesBusyError(retry_after=COME_BACK_AFTER)
        self._taken.discard(going)
        going.give_way()

    def _second_place(self) -> Place | None:
        """The latest upload on its way of a user who has two."""
        of_user = Counter(each.user_id for each in self._taken)
        second = [each for each in self._taken if of_user[each.user_id] > 1 and each.is_receiving]
        return max(second, key=lambda each: each.began, default=None)

    def _leave(self, place: Place) -> None:
        with self._lock:
            self._taken.discard(place)
