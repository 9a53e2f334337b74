"""The chain over the audit log, its checkpoints and what signs them: rows that are only ever added, like the events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import UniqueViolationError

from auth_server.domain.audit_chain import Checkpoint, Link
from auth_server.domain.stored_events import StoredEvent
from auth_server.storage.audit import EVENT, event_of
from auth_server.storage.database import Db, Row


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A link as it stands; its event is None where that is gone, and so is the key to what is personal in it."""

    link: Link
    event: StoredEvent | None
    key: bytes | None


LOCK = 7449363236472320321
"""Whoever changes the chain holds this advisory lock; drop_audit_events (0016_audit_bounds.sql) as well."""


class LinkTakenError(Exception):
    """A link stands where the chain goes on, or the event has one: somebody else has written to the chain."""


async def is_pending(db: Db) -> bool:
    """Whether an event waits for its place."""
    row = await db.fetchrow("SELECT EXISTS (SELECT FROM audit_pending) AS found")
    return bool(row["found"])


async def try_lock(db: Db) -> bool:
    """Whether the chain is ours alone until this transaction ends."""
    row = await db.fetchrow("SELECT pg_try_advisory_xact_lock($1) AS taken", LOCK)
    return bool(row["taken"])


async def take_pending(db: Db, limit: int) -> list[StoredEvent]:
    """At most so many committed events that wait for their place, which wait no more."""
    rows = await db.fetch(
        f"""
        WITH taken AS (
            DELETE FROM audit_pending
             WHERE event_id IN (SELECT event_id FROM audit_pending ORDER BY event_id LIMIT $1)
            RETURNING event_id
        )
        SELECT {EVENT}
          FROM taken
          JOIN audit_events ON audit_events.id = taken.event_id
         ORDER BY audit_events.id
        """,  # noqa: S608 (its columns stand in audit.py)
        limit,
    )
    return [event_of(row) for row in rows]


async def add_links(db: Db, links: Sequence[Link]) -> None:
    """Adds the links.

    Raises:
        LinkTakenError: as it says.
    """
    try:
        await db.fetch(
            """
            INSERT INTO audit_links (position, event_id, hash)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
            """,
            [link.position for link in links],
            [link.event_id for link in links],
            [link.hash for link in links],
        )
    except UniqueViolationError as error:
        raise LinkTakenError from error


async def add_checkpoint(db: Db, checkpoint: Checkpoint) -> None:
    """Adds the checkpoint."""
    await db.fetchrow(
        "INSERT INTO audit_checkpoints (position, hash, at, kid, signature) VALUES ($1, $2, $3, $4, $5)",
        checkpoint.position,
        checkpoint.hash,
        checkpoint.at,
        checkpoint.kid,
        checkpoint.signature,
    )


async def find_last_checkpoint(db: Db) -> Checkpoint | None:
    """The checkpoint of the highest position."""
    row = await db.fetchrow(
        "SELECT position, hash, at, kid, signature FROM audit_checkpoints ORDER BY position DESC LIMIT 1"
    )
    return _checkpoint_of(row) if row else None


async def checkpoints(db: Db, after: int, up_to: int) -> list[Checkpoint]:
    """The checkpoints behind one position and up to another."""
    rows = await db.fetch(
        """
        SELECT position, hash, at, kid, signature
          FROM audit_checkpoints
         WHERE position > $1
           AND position <= $2
         ORDER BY position
        """,
        after,
        up_to,
    )
    return [_checkpoint_of(row) for row in rows]


async def last_position(db: Db) -> int:
    """The position of the last link; 0 where there is none."""
    row = await db.fetchrow("SELECT COALESCE(max(position), 0) AS position FROM audit_links")
    return int(row["position"])


async def page(db: Db, after: int, limit: int) -> list[FoundLink]:
    """At most so many links from behind this position on."""
    rows = await db.fetch(
        f"""
        SELECT audit_links.position, audit_links.event_id, audit_links.hash, audit_keys.sealed AS key, {EVENT}
          FROM audit_links
          LEFT JOIN audit_events ON audit_events.id = audit_links.event_id
          LEFT JOIN audit_keys ON audit_keys.id = audit_events.key_id
         WHERE audit_links.position > $1
         ORDER BY audit_links.position
         LIMIT $2
        """,  # noqa: S608 (its columns stand in audit.py)
        after,
        limit,
    )
    return [
        FoundLink(
            Link(row["position"], row["event_id"], row["hash"]),
            event_of(row) if row["id"] is not None else None,
            row["key"],
        )
        for row in rows
    ]


async def number_before_the_first(db: Db) -> int:
    """How many links and checkpoints stand where the chain has no places."""
    row = await db.fetchrow(
        """
        SELECT (SELECT count(*) FROM audit_links WHERE position < 1)
             + (SELECT count(*) FROM audit_checkpoints WHERE position < 1) AS count
        """
    )
    return int(row["count"])


async def strays(db: Db, limit: int) -> list[int]:
    """Events, at most so many, that have no place in the chain and do not wait for one either."""
    rows = await db.fetch(
        """
        SELECT id
          FROM audit_events
         WHERE NOT EXISTS (SELECT FROM audit_links WHERE event_id = id)
           AND NOT EXISTS (SELECT FROM audit_pending WHERE event_id = id)
         ORDER BY id
         LIMIT $1
        """,
        limit,
    )
    return [row["id"] for row in rows]


async def users_among(db: Db, ids: Sequence[UUID]) -> list[UUID]:
    """Those of the ids that are of users."""
    rows = await db.fetch("SELECT id FROM users WHERE id = ANY ($1::uuid[]) ORDER BY id", list(ids))
    return [row["id"] for row in rows]


async def number_pending(db: Db, before: datetime, after: datetime) -> int:
    """How many events of before one time, or of after another, still wait for their place."""
    row = await db.fetchrow(
        """
        SELECT count(*)
          FROM audit_pending
          JOIN audit_events ON audit_events.id = audit_pending.event_id
         WHERE audit_events.at NOT BETWEEN $1 AND $2
        """,
        before,
        after,
    )
    return int(row["count"])


async def signing_keys(db: Db) -> list[tuple[str, bytes]]:
    """The keys that have signed checkpoints, sealed, the newest first."""
    rows = await db.fetch("SELECT kid, sealed FROM audit_signing_keys ORDER BY created_at DESC, kid")
    return [(row["kid"], row["sealed"]) for row in rows]


async def add_signing_key(db: Db, kid: str, sealed: bytes, now: datetime) -> None:
    """Adds a key that signs checkpoints."""
    await db.fetchrow("INSERT INTO audit_signing_keys (kid, sealed, created_at) VALUES ($1, $2, $3)", kid, sealed, now)


def _checkpoint_of(row: Row) -> Checkpoint:
    return Checkpoint(row["position"], row["hash"], row["at"], row["kid"], row["signature"])
