"""A database of the benchmark's own: on the server of DATABASE_URL, else on an embedded PostgreSQL."""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg

from benchmarks.cpu import parent_if_postgres
from gatepost_cli.embedded_postgres import EmbeddedPostgres

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Database:
    """An empty database that lasts as long as the benchmark."""

    url: str
    version: str
    postmaster_pid: int | None  # None on another machine, whose CPU time nobody here can read


@contextmanager
def empty_database() -> Iterator[Database]:
    """A database made now and dropped at the end."""
    with _server_url() as server_url:
        name = f"gatepost_benchmark_{os.getpid()}"
        _run(server_url, lambda connection: connection.execute(f"CREATE DATABASE {name}"))
        try:
            url = urlsplit(server_url)._replace(path=f"/{name}").geturl()
            yield Database(url, *_run(server_url, _version_and_postmaster))
        finally:
            _run(server_url, lambda connection: connection.execute(f"DROP DATABASE {name} WITH (FORCE)"))


def until_chained(database: Database) -> None:
    """Waits until Gatepost has given all audit events their places, those that a floor has written too."""
    while _run(database.url, _one_waits):
        time.sleep(0.1)


async def _one_waits(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM audit_pending)"))


@contextmanager
def _server_url() -> Iterator[str]:
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="gatepost-benchmark-") as folder:
        Path(folder).chmod(0o755)  # started by root, PostgreSQL runs as a user who must enter it
        with EmbeddedPostgres(Path(folder) / "postgres") as postgres:
            yield postgres.dsn


async def _version_and_postmaster(connection: asyncpg.Connection) -> tuple[str, int | None]:
    version: str = await connection.fetchval("SELECT version()")
    return version, parent_if_postgres(connection.get_server_pid())


def _run(url: str, asked: Callable[[asyncpg.Connection], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        connection = await asyncpg.connect(url)
        try:
            return await asked(connection)
        finally:
            await connection.close()

    return asyncio.run(run())
