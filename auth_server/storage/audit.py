"""The audit log: rows that are only ever added, in the statement or the transaction of what they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from auth_server.domain.audit_events import OK, About, AuditEvent, Origin, current_actor, current_origin
from auth_server.domain.audit_seal import AuditSeal, Personal, closed
from auth_server.domain.stored_events import StoredEvent
from auth_server.domain.subject_keys import SubjectKey
from auth_server.storage.database import Database, Db, Row

EVENT = """
audit_events.id, audit_events.at, audit_events.event, audit_events.user_id, audit_events.request_id, audit_events.rpc,
audit_events.caller, audit_events.outcome, audit_events.repeats, audit_events.key_id, audit_events.sealed,
audit_events.target
"""
"""The columns of an event."""


class Entry(NamedTuple):
    """An event, written as far as it can be before the change that it tells of."""

    at: datetime
    event: str
    request_id: str | None = None
    rpc: str | None = None
    caller: str | None = None
    calling_user: UUID | None = None
    outcome: str = OK
    key_id: UUID | None = None
    sealed: bytes | None = None
    target: str | None = None


# What is sealed counts only where its key is still there, and is the key of whom it must be shredded with: the caller,
# whoever the event is about, else the user whom the change was found to be of.
_ADDITION = """
, added AS (
    INSERT INTO audit_events (at, event, user_id, request_id, rpc, caller, outcome, repeats, target, key_id, sealed)
    SELECT {at}, {event}, changed.user_id, {request_id}, {rpc}, {caller}, {outcome}, 1, {target},
           audit_keys.id, CASE WHEN audit_keys.id IS NOT NULL THEN {sealed}::bytea END
      FROM changed
      LEFT JOIN audit_keys
        ON audit_keys.id = {key_id}
       AND audit_keys.user_id IS NOT DISTINCT FROM COALESCE({calling_user}, changed.user_id)
)
SELECT changed.*
  FROM changed
"""


async def entry_of(db: Database, event: AuditEvent, user_id: UUID, at: datetime) -> Entry:
    """The event, to be added with the change that it tells of; who and where is as the request that is served tells.

    It is asked for before the change and outside of any transaction, and mostly needs no statement.
    """
    origin = current_origin.get()
    if origin is None:
        return Entry(at, event.value, caller=current_actor.get())
    personal = _personal_of(origin)
    key = await _key_of(db, origin, personal, user_id, at)
    if key is not None:
        # Not within a transaction, which may come to nothing, and its new key with it.
        origin.seal.known_keys.add(key)
    return _entry(origin, personal, key, event, at=at)


async def change(db: Db, entry: Entry, sql: str, *arguments: object) -> Row:
    """Makes a change and adds its event, in one statement: the row that changed, or None, and then no event either.

    `sql` is the first part of a statement, tables that WITH names. One of them is `changed`: it is what the caller
    gets, and has a `user_id`, whom the event is about.
    """
    return await db.fetchrow(_with_addition(sql, len(arguments)), *arguments, *entry)


async def record(
    db: Db,
    event: AuditEvent,
    user_id: UUID | None,
    at: datetime,
    *,
    email: str | None = None,
    target: str | None = None,
) -> None:
    """Adds the event of a change that takes several statements; run it in their transaction.

    `email` is the address that somebody typed who is no user yet, or that the user had before; `target` is what it was
    done to, if that is no user.
    """
    origin = current_origin.get()
    if origin is None:
        await _add(db, Entry(at, event.value, caller=current_actor.get(), target=target), user_id)
        return
    personal = _personal_of(origin, email)
    key = await _key_of(db, origin, personal, user_id, at)
    await _add(db, _entry(origin, personal, key, event, at=at)._replace(target=target), user_id)


async def record_refusal(db: Db, origin: Origin, reason: str, at: datetime) -> None:
    """Adds that the request was refused for this reason.

    The key is looked up, though it may be known: a refusal takes as long for a user who was here as for a stranger.
    """
    personal = _personal_of(origin, origin.email)
    user_id = origin.user_id or origin.caller_of()[1]
    whose = origin.caller_of()[1] or user_id
    subject = origin.seal.subject_of(whose, personal, at)
    key = await _kept_key(db, origin.seal, subject, whose, at) if personal else None
    await _add(db, _entry(origin, personal, key, AuditEvent.REFUSED, at=at, outcome=reason), user_id)


async def record_each(db: Db, event: AuditEvent, about: Sequence[About], at: datetime) -> None:
    """Adds the event once for each of these, to which it was done together; run it in the transaction of the event.

    What is personal is the caller's alone: of one who is no user, it is sealed under the key of the day.
    """
    origin = current_origin.get()
    entry = Entry(at, event.value, caller=current_actor.get())
    if origin is not None:
        personal = _personal_of(origin)
        entry = _entry(origin, personal, await _key_of(db, origin, personal, None, at), event, at=at)
    await db.fetchrow(
        """
        INSERT INTO audit_events (at, event, user_id, target, request_id, rpc, caller, outcome, repeats, key_id, sealed)
        SELECT $3, $4, about.user_id, about.target, $5, $6, $7, $9, 1,
               audit_keys.id, CASE WHEN audit_keys.id IS NOT NULL THEN $11::bytea END
          FROM unnest($1::uuid[], $2::text[]) AS about (user_id, target)
          LEFT JOIN audit_keys
            ON audit_keys.id = $10
           AND audit_keys.user_id IS NOT DISTINCT FROM $8::uuid
        """,
        [each.user_id for each in about],
        [each.target for each in about],
        *entry[:-1],
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
    target: str | None = None,
) -> None:
    """Adds a row as it is."""
    await db.fetchrow(
        """
        INSERT INTO audit_events (at, event, user_id, request_id, rpc, caller, outcome, repeats, key_id, sealed, target)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
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
        target,
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
        target=row["target"],
    )


@cache
def _with_addition(change_sql: str, number_of_arguments: int) -> str:
    names = enumerate(Entry._fields, number_of_arguments + 1)
    return change_sql + _ADDITION.format_map({name: f"${number}" for number, name in names})


async def _add(db: Db, entry: Entry, user_id: UUID | None) -> None:
    await change(db, entry, "WITH changed AS (SELECT $1::uuid AS user_id)", user_id)


def _personal_of(origin: Origin, email: str | None = None) -> Personal:
    client = origin.client_of()
    return Personal(client.address, client.agent, email)


def _entry(
    origin: Origin, personal: Personal, key: SubjectKey | None, event: AuditEvent, *, at: datetime, outcome: str = OK
) -> Entry:
    caller, calling_user = origin.caller_of()
    key_id, sealed = (key.id, closed(personal, key, event.value)) if key else (None, None)
    return Entry(at, event.value, origin.request_id, origin.rpc, caller, calling_user, outcome, key_id, sealed)


async def _key_of(db: Db, origin: Origin, personal: Personal, user_id: UUID | None, at: datetime) -> SubjectKey | None:
    """The key to seal it under, made where there is none; None for a user who is gone, for whom none may be made."""
    if not personal:
        return None
    # Address and agent are the caller's, whoever the event is about; and the caller's erasure is to shred them.
    whose = origin.caller_of()[1] or user_id
    subject = origin.seal.subject_of(whose, personal, at)
    return origin.seal.known_keys.find(subject) or await _kept_key(db, origin.seal, subject, whose, at)


async def _kept_key(db: Db, seal: AuditSeal, subject: bytes, whose: UUID | None, at: datetime) -> SubjectKey | None:
    new_id, new_key = seal.new_key()
    row = await db.fetchrow(
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
        new_id,
        subject,
        whose,
        new_key,
        at,
    )
    return seal.opened(subject, row["id"], row["sealed"]) if row else None
