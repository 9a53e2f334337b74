"""What all clients together have not read yet of their answers, which lies in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Reader = TypeVar("Reader")

MOST_UNREAD_BYTES = 64 * 1024 * 1024


class UnreadAnswers(Generic[Reader]):
    """Ends those who have not read for the longest, as soon as all answers together are too large."""

    def __init__(self, end: Callable[[Reader], None], most_bytes: int) -> None:
        self._end = end
        self._most_bytes = most_bytes
        self._sizes: dict[Reader, int] = {}  # in the order of their waiting
        self._total_bytes = 0

    def wait_for(self, reader: Reader, size_bytes: int) -> None:
        """Notes so large an answer of a reader who has none yet; of those before, some may have to go."""
        self._sizes[reader] = size_bytes
        self._total_bytes += size_bytes
        while self._total_bytes > self._most_bytes and len(self._sizes) > 1:
            longest = next(iter(self._sizes))
            self.forget(longest)
            self._end(longest)

    def forget(self, reader: Reader) -> None:
        """Notes that a reader has read, or is gone."""
        self._total_bytes -= self._sizes.pop(reader, 0)
