"""The audit log: rows that are only ever added, in the transaction of what they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from auth_server.domain.audit_events import OK, AuditEvent, Origin, current_origin
from auth_server.domain.audit_seal import AuditSeal, Personal
from auth_server.domain.ids import new_id
from auth_server.domain.stored_events import StoredEvent
from auth_server.storage.database import Db, Row

EVENT = """
audit_events.id, audit_events.at, audit_events.event, audit_events.user_id, audit_events.request_id, audit_events.rpc,
audit_events.caller, audit_events.outcome, audit_events.repeats, audit_events.key_id, audit_events.sealed
"""
"""The columns of an event."""


async def record(
    db: Db,
    event: AuditEvent,
    user_id: UUID | None,
    at: datetime,
    *,
    email: str | None = None,
) -> None:
    """Adds the event, with who and where as the request that is served tells; run it in the transaction of the event.

    `email` is the address that somebody typed who is no user yet.
    """
    origin = current_origin.get()
    if origin is None:
        await add(db, event, user_id, at)
        return
    client = origin.client_of()
    await _add_of(db, origin, Personal(client.address, client.agent, email), event, user_id, at=at, outcome=OK)


async def record_refusal(db: Db, origin: Origin, reason: str, at: datetime) -> None:
    """Adds that the request was refused for this reason."""
    client = origin.client_of()
    personal = Personal(client.address, client.agent, origin.email)
    user_id = origin.user_id or origin.caller_of()[1]
    await _add_of(db, origin, personal, AuditEvent.REFUSED, user_id, at=at, outcome=reason)


async def record_command(db: Db, event: AuditEvent, user_ids: Sequence[UUID], at: datetime) -> None:
    """Adds the event for each of these users, to whom an operator's command has done it."""
    await db.fetchrow(
        """
        INSERT INTO audit_events (at, event, user_id, caller, outcome, repeats)
        SELECT $1, $2, user_id, 'command', $4, 1
          FROM unnest($3::uuid[]) AS users (user_id)
        """,
        at,
        event.value,
        list(user_ids),
        OK,
    )


async def add(
    db: Db,
    event: AuditEvent,
    user_id: UUID | None,
    at: datetime,
    *,
    request_id: str | None = None,
    rpc: str | None = None,
    caller: str | None = None,
    outcome: str = OK,
    repeats: int = 1,
    key_id: UUID | None = None,
    sealed: bytes | None = None,
) -> None:
    """Adds a row as it is."""
    await db.fetchrow(
        """
        INSERT INTO audit_events (at, event, user_id, request_id, rpc, caller, outcome, repeats, key_id, sealed)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        at,
        event.value,
        user_id,
        request_id,
        rpc,
        caller,
        outcome,
        repeats,
        key_id,
        sealed,
    )


async def delete_keys(db: Db, subjects: Sequence[bytes]) -> None:
    """Takes the keys of these subjects away: what was sealed under them can be read no more."""
    await db.fetchrow("DELETE FROM audit_keys WHERE subject = ANY ($1::bytea[])", list(subjects))


def event_of(row: Row) -> StoredEvent:
    """The event of a row that has all columns of one."""
    return StoredEvent(
        id=row["id"],
        at=row["at"],
        event=row["event"],
        user_id=row["user_id"],
        request_id=row["request_id"],
        rpc=row["rpc"],
        caller=row["caller"],
        outcome=row["outcome"],
        repeats=row["repeats"],
        key_id=row["key_id"],
        sealed=row["sealed"],
    )


async def _add_of(
    db: Db, origin: Origin, personal: Personal, event: AuditEvent, user_id: UUID | None, *, at: datetime, outcome: str
) -> None:
    caller, calling_user = origin.caller_of()
    key_id, sealed = None, None
    if personal:
        # Address and agent are the caller's, whoever the event is about; and the caller's erasure is to shred them.
        whose = calling_user or user_id
        key = await _key_of(db, origin.seal, origin.seal.subject_of(whose, personal, at), whose, at)
        if key is not None:
            key_id = key["id"]
            sealed = origin.seal.close(personal, key["sealed"], key["id"], event.value)
    await add(
        db,
        event,
        user_id,
        at,
        request_id=origin.request_id,
        rpc=origin.rpc,
        caller=caller,
        outcome=outcome,
        key_id=key_id,
        sealed=sealed,
    )


async def _key_of(db: Db, seal: AuditSeal, subject: bytes, user_id: UUID | None, at: datetime) -> Row | None:
    """The subject's key, made where there is none; None for a user who is gone, for whom none may be made any more."""
    key_id = new_id()
    return await db.fetchrow(
        """
        WITH found AS (
            SELECT id, sealed
              FROM audit_keys
             WHERE subject = $2
        ), owner AS (
            SELECT id
              FROM users
             WHERE id = $3
               FOR KEY SHARE
        ), made AS (
            INSERT INTO audit_keys (id, subject, user_id, sealed, created_at)
            SELECT $1, $2, $3::uuid, $4, $5
             WHERE NOT EXISTS (SELECT FROM found)
               AND ($3::uuid IS NULL OR EXISTS (SELECT FROM owner))
            ON CONFLICT (subject) DO UPDATE
               SET subject = excluded.subject
            RETURNING id, sealed
        )
        SELECT id, sealed
          FROM found
         UNION ALL
        SELECT id, sealed
          FROM made
        """,
        key_id,
        subject,
        user_id,
        seal.new_key(key_id),
        at,
    )
