"""Ends a stream whose caller is admitted no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

RECHECK_SECONDS = 5.0


async def while_admitted(
    judge: Callable[[], Awaitable[None]], stream: AsyncGenerator[Any], every_seconds: float
) -> AsyncGenerator[Any]:
    """The stream, before which the caller is judged again and again, whether or not something flows.

    Raises:
        AuthError: what the judge raises.
    """
    loop = asyncio.get_running_loop()
    judged_at = loop.time()
    coming: asyncio.Task[Any] | None = None
    async with aclosing(stream):
        try:
            while True:
                if coming is None:
                    coming = asyncio.ensure_future(anext(stream, stream))
                await asyncio.wait({coming}, timeout=max(judged_at + every_seconds - loop.time(), 0))
                if loop.time() >= judged_at + every_seconds:
                    await judge()
                    judged_at = loop.time()
                if not coming.done():
                    continue
                message = coming.result()
                coming = None
                if message is stream:  # its end
                    return
                yield message
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.wait({coming})
