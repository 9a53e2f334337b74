"""Waiting for what PostgreSQL comes to, which does not tell by itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import asyncpg

LONG_SECONDS, LONGEST_SECONDS = 20.0, 30.0


class ToldConnection(asyncpg.Connection):
    """A connection of which a statement that waits too long tells what all sessions did meanwhile."""

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        return await self._told(super().execute(query, *args, **options))

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        return await self._told(super().fetch(query, *args, **options))

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        return await self._told(super().fetchrow(query, *args, **options))

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        return await self._told(super().fetchval(query, *args, **options))

    async def _told(self, statement: Coroutine[Any, Any, Any]) -> Any:
        running = asyncio.ensure_future(statement)
        try:
            await asyncio.wait({running}, timeout=LONG_SECONDS)
            sessions = "" if running.done() else await _sessions(self.url)
            try:
                return await running
            except TimeoutError as late:
                late.add_note(sessions)
                raise
        finally:
            running.cancel()

    url = ""


async def told_connection(url: str) -> ToldConnection:
    """A connection whose statements end when they have waited too long."""
    connection: ToldConnection = await asyncpg.connect(
        url, command_timeout=LONGEST_SECONDS, connection_class=ToldConnection
    )
    connection.url = url
    return connection


async def _sessions(url: str) -> str:
    connection = await asyncpg.connect(url, timeout=5)
    rows = await connection.fetch(
        """
        SELECT pid, pg_blocking_pids(pid) AS waits_for, backend_type, state, wait_event_type, wait_event,
               now() - xact_start AS transaction_since, now() - state_change AS so_since, left(query, 200) AS query
          FROM pg_stat_activity
         WHERE pid <> pg_backend_pid()
         ORDER BY xact_start
        """
    )
    await connection.close()
    return "\n".join(str(dict(row)) for row in rows)


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
