"""Work that repeats in the background while the server runs."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

log = logging.getLogger(__name__)

JITTER = 0.2  # a wait is up to a fifth shorter, so that many servers do not all come at once
PATIENCE = timedelta(seconds=30)

Work = Callable[[], Awaitable[object]]


@asynccontextmanager
async def repeating(
    name: str, work: Work, *, every: timedelta, patience: timedelta = PATIENCE, jitter: float = JITTER
) -> AsyncIterator[None]:
    """Does the work again and again meanwhile, in a task of its own, never twice at once.

    Between two turns lies a wait of at most `every`; the first turn comes after one. A turn that fails, or that takes
    longer than `patience`, is logged under `name`, and the next one comes all the same; of failures in a row the first
    one is logged, and when they end. Leaving cancels the turn under way and waits until it has ended.
    """
    repeated = _Repeated(name, work, patience)
    task = asyncio.create_task(repeated.until_ended(every, jitter), name=name)
    try:
        yield
    finally:
        repeated.ended = True  # also where the turn under way takes its cancelling for something else
        task.cancel()
        await asyncio.wait({task})  # does not raise what the task ended with, as awaiting it would


class _Repeated:
    """One piece of work, and how its turns have gone."""

    def __init__(self, name: str, work: Work, patience: timedelta) -> None:
        self._name = name
        self._work = work
        self._patience_seconds = patience.total_seconds()
        self._failures = 0
        self.ended = False

    async def until_ended(self, every: timedelta, jitter: float) -> None:
        """Turn after turn."""
        while not self.ended:
            share = 1 - jitter * secrets.randbelow(1000) / 1000
            await asyncio.sleep(every.total_seconds() * share)
            await self._turn()

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._work()
        except Exception:  # whatever it is, the next turn may go well, and nobody else is there to be told
            self._failures += 1
            if self._failures == 1:
                log.exception("background work failed", extra={"work": self._name})
            return
        if self._failures:
            log.info("background work goes again", extra={"work": self._name, "failures": self._failures})
            self._failures = 0
