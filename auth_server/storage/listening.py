"""A connection that PostgreSQL tells of what happens (LISTEN, NOTIFY)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.storage.database import UNREACHABLE
from auth_server.storage.database_url import connection_options

PATIENCE_SECONDS = 2.0


class Listener:
    """A connection of its own, which is told of each word on a channel."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._told = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether anything can still be told."""
        return not self.connection.is_closed()

    def forget(self) -> None:
        """Waits for what is told from here on."""
        self._told.clear()

    async def wait(self, longest_seconds: float) -> None:
        """Waits until something is told, the connection ends, or so long."""
        try:
            async with asyncio.timeout(longest_seconds):
                await self._told.wait()
        except TimeoutError:
            return

    def tell(self, *_: object) -> None:
        """Ends the wait."""
        self._told.set()


@asynccontextmanager
async def listening(url: str, channel: str, *, prepared: bool) -> AsyncIterator[Listener]:
    """A connection that listens on this channel meanwhile; statements have names where `prepared`.

    Raises:
        DatabaseUnavailableError: the database cannot be reached, or refuses the user.
    """
    name = channel.replace("_", " ")
    options = connection_options(url, name) | ({} if prepared else {"statement_cache_size": 0})
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                connection = await asyncpg.connect(**options)
                stack.push_async_callback(_close, connection)
                listener = Listener(connection)
                connection.add_termination_listener(listener.tell)
                await connection.add_listener(channel, listener.tell)
        # A TimeoutError is an OSError.
        except (*UNREACHABLE, asyncpg.PostgresError) as error:
            raise DatabaseUnavailableError from error
        yield listener


async def _close(connection: Any) -> None:
    try:
        await connection.close(timeout=PATIENCE_SECONDS)
    except (*UNREACHABLE, asyncpg.PostgresError, asyncpg.InternalClientError):
        connection.terminate()
