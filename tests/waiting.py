"""Waiting for what PostgreSQL comes to, which does not tell by itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg


def at_most(seconds: float) -> float:
    """So many seconds, where half of the machine is idle; longer by how much busier it is, which nobody promises."""
    per_core = os.getloadavg()[0] / (os.cpu_count() or 1)
    return seconds * max(1.0, 2 * per_core)


async def until(holds: Callable[[], Awaitable[Any]]) -> Any:
    """What it answers, once that is true."""
    while not (answer := await holds()):  # noqa: ASYNC110 (nobody sets an event)
        await asyncio.sleep(0.01)
    return answer


async def backends_that_wait(sql: asyncpg.Connection, number: int = 1) -> list[int]:
    """The process ids of the backends that wait for a lock, once there are so many."""

    async def enough() -> list[int]:
        rows = await sql.fetch("SELECT DISTINCT pid FROM pg_locks WHERE NOT granted")
        return [row["pid"] for row in rows] if len(rows) >= number else []

    pids: list[int] = await until(enough)
    return pids
