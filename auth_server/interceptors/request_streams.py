"""A stream of requests on its way to the handler, each of which the interceptors look at as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any


class RequestStream:
    """The requests of a source, each as a step hands it on."""

    def __init__(
        self,
        source: AsyncIterator[Any],
        step: Callable[[Any], Any],
        *,
        at_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """What the step raises ends the stream; `at_end` is asked, once, before the handler learns of the end."""
        self._source = source
        self._step = step
        self._at_end = at_end

    def __aiter__(self) -> RequestStream:
        return self

    async def __anext__(self) -> Any:
        try:
            request = await anext(self._source)
        except StopAsyncIteration:
            if self._at_end is not None:
                await self._at_end()
            raise
        return self._step(request)


class StreamBehind:
    """A stream whose first request was taken already, as if it had not been."""

    def __init__(self, first: Any, rest: AsyncIterator[Any]) -> None:
        self._first = first
        self._rest = rest
        self._begun = False

    def __aiter__(self) -> StreamBehind:
        return self

    async def __anext__(self) -> Any:
        if self._begun:
            return await anext(self._rest)
        self._begun = True
        return self._first
