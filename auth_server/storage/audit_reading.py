"""The audit log as it is read: events in their places in the chain, each with the key to what is personal in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from auth_server.domain.audit_chain import Link
from auth_server.domain.stored_events import StoredEvent
from auth_server.storage.audit import EVENT, event_of
from auth_server.storage.database import Db, Row


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event, its place, and its key as it is kept; None where there is none, or it is gone with its person."""

    link: Link
    event: StoredEvent
    key: bytes | None


async def following(db: Db, after: int, limit: int) -> list[PlacedEvent]:
    """At most so many events from behind this position on."""
    rows = await db.fetch(
        f"""
        SELECT audit_links.position, audit_links.hash, audit_keys.sealed AS key, {EVENT}
          FROM audit_links
          JOIN audit_events ON audit_events.id = audit_links.event_id
          LEFT JOIN audit_keys ON audit_keys.id = audit_events.key_id
         WHERE audit_links.position > $1
         ORDER BY audit_links.position
         LIMIT $2
        """,  # noqa: S608 (its columns stand in audit.py)
        after,
        limit,
    )
    return [_placed(row) for row in rows]


async def page(db: Db, before: int | None, user_id: UUID | None, name: str, size: int) -> list[PlacedEvent]:
    """At most so many events from before this position, the newest first: all, or a user's, or those of this name."""
    rows = await db.fetch(
        f"""
        SELECT audit_links.position, audit_links.hash, audit_keys.sealed AS key, {EVENT}
          FROM audit_links
          JOIN audit_events ON audit_events.id = audit_links.event_id
          LEFT JOIN audit_keys ON audit_keys.id = audit_events.key_id
         WHERE ($1::bigint IS NULL OR audit_links.position < $1)
           AND ($2::uuid IS NULL OR audit_events.user_id = $2)
           AND ($3 = '' OR audit_events.event = $3)
         ORDER BY audit_links.position DESC
         LIMIT $4
        """,  # noqa: S608 (its columns stand in audit.py)
        before,
        user_id,
        name,
        size,
    )
    return [_placed(row) for row in rows]


async def own_events(db: Db, user_id: UUID, names: Sequence[str]) -> list[tuple[StoredEvent, bytes]]:
    """The events of these names about the user that are sealed under a key of the user's own, each with that key."""
    rows = await db.fetch(
        f"""
        SELECT {EVENT}, audit_keys.sealed AS key
          FROM audit_events
          JOIN audit_keys ON audit_keys.id = audit_events.key_id
                         AND audit_keys.user_id = $1
         WHERE audit_events.user_id = $1
           AND audit_events.event = ANY ($2::text[])
        """,  # noqa: S608 (its columns stand in audit.py)
        user_id,
        list(names),
    )
    return [(event_of(row), row["key"]) for row in rows]


async def ends(db: Db, position: int) -> tuple[int, int, bytes | None]:
    """The first and the last position that the chain has had and still has, and the hash of the link at this one.

    The last checkpoint outlives the link that it vouches for.
    """
    row = await db.fetchrow(
        """
        SELECT COALESCE((SELECT min(position) FROM audit_links), checkpoints.last + 1, 1) AS first,
               GREATEST((SELECT max(position) FROM audit_links), checkpoints.last, 0) AS last,
               (SELECT hash FROM audit_links WHERE position = $1) AS hash
          FROM (SELECT max(position) AS last FROM audit_checkpoints) AS checkpoints
        """,
        position,
    )
    return row["first"], row["last"], row["hash"]


def _placed(row: Row) -> PlacedEvent:
    return PlacedEvent(Link(row["position"], row["id"], row["hash"]), event_of(row), row["key"])
