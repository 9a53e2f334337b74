"""The pool of connections to PostgreSQL, and what its failures mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import asyncpg

from auth_server.domain.errors import DatabaseUnavailableError, RequestInvalidError
from auth_server.storage.connections import Connections
from auth_server.storage.database_url import connection_options

# What asyncpg raises when the server is away, is going away, takes no connection of ours, or only reads.
UNREACHABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a server that says goodbye just when a statement begins
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.ReadOnlySQLTransactionError,
)
# A deadlock or a serialisation failure: PostgreSQL has undone the statement, and asks to try it again.
TAKEN_BACK = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
ATTEMPTS = 4
# Text that PostgreSQL cannot hold, such as NUL, or too long for an index: the contract refuses it by field, this is
# the net below.
UNSTORABLE = (
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
    asyncpg.ProgramLimitExceededError,
)

T = TypeVar("T")
Row = Any  # asyncpg.Record, whose values are of any type


class Db(Protocol):
    """What runs a statement: the pool, or the connection of a transaction."""

    async def fetchrow(self, sql: str, *arguments: object) -> Row:
        """The first row, or None."""

    async def fetch(self, sql: str, *arguments: object) -> list[Row]:
        """All rows."""


class Database:
    """A pool of connections.

    Raises, from every method:
        DatabaseUnavailableError: the database cannot be reached.
        RequestInvalidError: a text holds a character that PostgreSQL cannot store.
    """

    def __init__(self, connections: Connections, probe: Connections) -> None:
        self._connections = connections
        self._probe = probe

    async def fetchrow(self, sql: str, *arguments: object) -> Row:
        """The first row, or None."""
        return await self._patiently(self._connections.fetchrow, sql, arguments)

    async def fetch(self, sql: str, *arguments: object) -> list[Row]:
        """All rows."""
        rows: list[Row] = await self._patiently(self._connections.fetch, sql, arguments)
        return rows

    async def transaction(self, work: Callable[[Db], Awaitable[T]]) -> T:
        """What the work answers; its statements, run by the Db that it is given, hold all or, where it raises, none.

        The work begins anew where PostgreSQL took it back for another's sake (a deadlock), so it must do nothing
        outside of the database. A statement that fails ends the transaction: catching its error does not save it.
        """
        return await self._whole(work)

    async def snapshot(self, work: Callable[[Db], Awaitable[T]]) -> T:
        """What the work answers, all of whose statements see the database as of one moment, and can only read."""
        return await self._whole(work, isolation="repeatable_read", readonly=True)

    async def is_reachable(self) -> bool:
        """Whether the database answers, asked over a connection apart: a busy pool is no absent database."""
        try:
            await self._probe.fetchrow("SELECT 1", ())
        except (*UNREACHABLE, asyncpg.PostgresError):
            return False
        return True

    async def _whole(self, work: Callable[[Db], Awaitable[T]], **options: Any) -> T:
        async def run(_sql: str, _arguments: tuple[object, ...]) -> T:
            return await self._connections.transaction(lambda connection: work(_Transaction(connection)), **options)

        answer: T = await self._patiently(run, "TRANSACTION", ())
        return answer

    async def _patiently(self, run: Callable[..., Awaitable[Any]], sql: str, arguments: tuple[object, ...]) -> Any:
        """Runs one statement, again where PostgreSQL took it back whole for another's sake."""
        attempts = ATTEMPTS
        while True:
            try:
                return await run(sql, arguments)
            except TAKEN_BACK as error:
                attempts -= 1
                if not attempts:
                    raise DatabaseUnavailableError from error
            except UNSTORABLE as error:
                raise RequestInvalidError from error
            except ValueError as error:
                raise _untold(error, sql) from None
            except UNREACHABLE as error:
                raise DatabaseUnavailableError from error
            except asyncpg.PostgresError as error:
                error.detail = None  # it holds the row, which no log may show
                raise


class _Transaction:
    """Runs the statements of one transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetchrow(self, sql: str, *arguments: object) -> Row:
        """The first row, or None."""
        try:
            return await self._connection.fetchrow(sql, *arguments)
        except ValueError as error:
            raise _untold(error, sql) from None

    async def fetch(self, sql: str, *arguments: object) -> list[Row]:
        """All rows."""
        try:
            rows: list[Row] = await self._connection.fetch(sql, *arguments)
        except ValueError as error:
            raise _untold(error, sql) from None
        return rows


def _untold(error: ValueError, sql: str) -> TypeError:
    """For asyncpg's error of an argument of the wrong type, whose text shows the argument."""
    return TypeError(f"{type(error).__name__} by an argument of {sql.split(maxsplit=1)[0]}")


@asynccontextmanager
async def connected(url: str, *, size: int, prepared: bool = True) -> AsyncIterator[Database]:
    """A database at this URL, with at most so many connections; statements are prepared under a name where `prepared`.

    Raises:
        DatabaseUnavailableError: it cannot be reached, or refuses the user.
    """
    try:
        options = connection_options(url, "gatepost") | ({} if prepared else {"statement_cache_size": 0})
        pool = await asyncpg.create_pool(min_size=1, max_size=size, reset=_roll_back, **options)
        probe = await asyncpg.create_pool(min_size=0, max_size=1, **options)
    except (*UNREACHABLE, asyncpg.PostgresError, ValueError) as error:
        raise DatabaseUnavailableError from error
    connections, probing = Connections(pool), Connections(probe)
    try:
        yield Database(connections, probing)
    finally:
        await probing.close()
        await probe.close()
        await connections.close()
        await pool.close()


async def _roll_back(connection: Any) -> None:
    """Readies a connection for the next caller.

    asyncpg's own reset does more; no statement of ours leaves anything behind but, when cancelled, a transaction.
    A statement that was cancelled once it was parsed has one as well, which asyncpg does not see, and whose locks hold
    until PostgreSQL is sent something else.
    """
    await connection.execute("ROLLBACK" if connection.is_in_transaction() else "SELECT")
