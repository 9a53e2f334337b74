"""The log of revocations. Triggers write its entries (0005_signins.sql), in the transaction of what they tell of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.domain.revocations import Look, Position, Revocation, Subject
from auth_server.storage.database import UNREACHABLE, Db, Row
from auth_server.storage.listening import PATIENCE_SECONDS, Listener
from auth_server.storage.listening import listening as told_of

CHANNEL = "gatepost_revocations"


async def since(
    db: Db, position: Position, *, revoked_after: datetime, last: tuple[int, int] = (-1, -1), limit: int = 1000
) -> Look:
    """At most so many entries that the position had not seen, by transaction and number from behind the last one.

    The position that has seen them belongs to the same moment. A log is known by its database cluster and timeline:
    one that was restored elsewhere, or from another moment, counts its transactions anew.
    """
    rows = await db.fetch(
        """
        SELECT present.log, present.next_transaction, present.running, entry.number, entry.transaction, entry.subject,
               entry.subject_id, entry.reason, entry.revoked_at
          FROM (SELECT (SELECT to_hex(system_identifier) FROM pg_control_system())
                       || 't' || (SELECT to_hex(timeline_id) FROM pg_control_checkpoint()) AS log,
                       pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next_transaction,
                       ARRAY(SELECT pg_snapshot_xip(pg_current_snapshot())::text::bigint) AS running) AS present
          LEFT JOIN (SELECT number, transaction, subject, subject_id, reason, revoked_at
                       FROM revocations
                      WHERE (transaction >= $1 OR transaction = ANY ($2::bigint[]))
                        AND revoked_at > $3
                        AND (transaction, number) > ($4, $5)
                      ORDER BY transaction, number
                      LIMIT $6) AS entry ON true
         ORDER BY entry.transaction, entry.number
        """,
        position.next_transaction,
        list(position.running),
        revoked_after,
        *last,
        limit,
    )
    seen = Position(rows[0]["log"], rows[0]["next_transaction"], tuple(rows[0]["running"]))
    return Look([revocation_of(row) for row in rows if row["number"] is not None], seen)


class Listening:
    """A connection of its own, which PostgreSQL tells of new entries.

    Raises, from since:
        DatabaseUnavailableError: the connection has ended, or does not answer.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.wait = listener.wait

    async def since(self, position: Position, *, revoked_after: datetime, limit: int) -> Look:
        """As the function since."""
        self._listener.forget()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await since(self._listener.connection, position, revoked_after=revoked_after, limit=limit)
        # A TimeoutError is an OSError; the last one comes where the server ends the connection this very moment.
        except (*UNREACHABLE, asyncpg.InternalClientError) as error:
            raise DatabaseUnavailableError from error


@asynccontextmanager
async def listening(url: str, *, prepared: bool) -> AsyncIterator[Listening]:
    """A connection that listens meanwhile.

    Raises:
        DatabaseUnavailableError: the database cannot be reached, or refuses the user.
    """
    async with told_of(url, CHANNEL, prepared=prepared) as listener:
        yield Listening(listener)


def revocation_of(row: Row) -> Revocation:
    """The entry of a row."""
    return Revocation(
        number=row["number"],
        transaction=row["transaction"],
        subject=Subject(row["subject"]),
        subject_id=row["subject_id"],
        reason=row["reason"],
        revoked_at=row["revoked_at"],
    )
