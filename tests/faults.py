"""Faults in the middle of transactions, and what they leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import asyncpg
import pytest

from auth_server.storage import database


class Fault:
    """Ends the connection to the database in front of the nth statement of a transaction."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 0
        self.seen = 0
        for name in ("fetch", "fetchrow"):
            monkeypatch.setattr(database._Transaction, name, self._failing(getattr(database._Transaction, name)))

    def _failing(self, run: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def failing(transaction: Any, sql: str, *arguments: object) -> Any:
            if asyncio.current_task().get_name() == "audit chain":  # the server's own, beside the call
                return await run(transaction, sql, *arguments)
            self.seen += 1
            if self.seen == self.at:
                await run(transaction, "SELECT pg_terminate_backend(pg_backend_pid())")
            return await run(transaction, sql, *arguments)

        return failing

    def set_at(self, number: int) -> None:
        """The fault comes in front of this statement, counted from now on."""
        self.at, self.seen = number, 0


async def content_of(sql: asyncpg.Connection, tables: Iterable[str]) -> dict[str, list[str]]:
    """Every row of these tables, as text."""
    return {
        table: sorted(row[0] for row in await sql.fetch(f"SELECT each::text FROM {table} AS each")) for table in tables
    }
