"""Connections to PostgreSQL, kept at hand between statements."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg

T = TypeVar("T")

MENDING_SECONDS = 1.0
"""How long a caller whose time is up waits for the connection to be ready for the next one."""


class Connections:
    """At most as many connections as asyncpg's pool has, each kept out of it until something goes wrong with it.

    The pool takes a task and a proxy for every statement, a third of what a look-up costs; it still makes, mends and
    ends the connections.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._free = asyncio.Semaphore(pool.get_max_size())
        self._at_hand: list[Any] = []

    async def fetchrow(self, sql: str, arguments: tuple[object, ...]) -> Any:
        """The first row of a statement, or None."""
        async with self._free:
            connection = await self._take()
            try:
                row = await connection.fetchrow(sql, *arguments)
            except BaseException:
                await self._give_back(connection)
                raise
            self._at_hand.append(connection)
            return row

    async def fetch(self, sql: str, arguments: tuple[object, ...]) -> list[Any]:
        """All rows of a statement."""
        async with self._free:
            connection = await self._take()
            try:
                rows: list[Any] = await connection.fetch(sql, *arguments)
            except BaseException:
                await self._give_back(connection)
                raise
            self._at_hand.append(connection)
            return rows

    async def transaction(self, work: Callable[[Any], Awaitable[T]], **options: Any) -> T:
        """What the work answers that is given a connection; its statements hold all or, where it raises, none.

        The options are those of asyncpg's transactions.
        """
        async with self._free:
            connection = await self._take()
            try:
                async with connection.transaction(**options):
                    answer = await work(connection)
            except BaseException:
                await self._give_back(connection)
                raise
            self._at_hand.append(connection)
            return answer

    async def close(self) -> None:
        """Gives all connections back to the pool; no statement may run any more."""
        while self._at_hand:
            await self._give_back(self._at_hand.pop())

    async def _take(self) -> Any:
        """A connection that stands; those that the server has ended meanwhile go back to be replaced."""
        while self._at_hand:
            connection = self._at_hand.pop()
            if _stands(connection):
                return connection
            await self._give_back(connection)
        return await self._pool.acquire()

    async def _give_back(self, connection: Any) -> None:
        """Lets the pool mend or end the connection; one that ends in this very moment it has back already.

        A database that does not even answer that a statement is cancelled is not waited for: the connection ends.
        """
        with suppress(asyncpg.InternalClientError, TimeoutError):
            await self._pool.release(connection, timeout=MENDING_SECONDS)


def _stands(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # it ended at rest, and the pool has let go of it
        return False
