"""Puts together what deletes all that has had its time."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

from auth_server.background import repeating
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.sweeping import Retention, Sweeping, sweeps_of

SWEEP_EVERY = timedelta(minutes=5)


@asynccontextmanager
async def sweeping(
    settings: AuthServerSettings, database: Database, clock: Callable[[], datetime]
) -> AsyncIterator[None]:
    """Every sweep in a task of its own meanwhile."""
    retention = Retention(settings.dead_mail_retention, settings.audit_retention or None)
    turns = Sweeping(database, clock)
    async with AsyncExitStack() as stack:
        for sweep in sweeps_of(retention):
            turn = functools.partial(turns.turn, sweep)
            await stack.enter_async_context(repeating(f"sweep of {sweep.what}", turn, every=SWEEP_EVERY))
        yield
