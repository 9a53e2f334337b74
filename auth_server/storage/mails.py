"""The outbox as operators see it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_server.domain.mails import MailNote, OwnedMail
from auth_server.storage.database import Db, Row


async def page(db: Db, after: UUID | None, size: int, *, dead: bool) -> list[MailNote]:
    """At most so many mails, the oldest first, from behind this one; only dead ones where that is asked."""
    rows = await db.fetch(
        """
        SELECT id, kind, recipient, user_id, created_at, due_at, expires, dead_at, attempts, last_error
          FROM outbox
         WHERE ($1::uuid IS NULL OR id > $1)
           AND (dead_at IS NOT NULL OR NOT $3)
         ORDER BY id
         LIMIT $2
        """,
        after,
        size,
        dead,
    )
    return [_note_of(row) for row in rows]


async def redrive(db: Db, mail_id: UUID, *, now: datetime, give_up_at: datetime) -> OwnedMail | None:
    """The mail, if it was dead, which waits again by this call as if it were new."""
    row = await db.fetchrow(
        """
        WITH redriven AS (
            UPDATE outbox
               SET dead_at = NULL, due_at = $2, give_up_at = $3, attempts = 0
             WHERE id = $1
               AND dead_at IS NOT NULL
            RETURNING id, user_id
        )
        SELECT id, user_id, pg_notify('gatepost_outbox', '')
          FROM redriven
        """,
        mail_id,
        now,
        give_up_at,
    )
    return _owned(row) if row else None


# Materialized below, as a plan may run a subquery again for each row, and take more than its limit in all.
async def redrive_dead(db: Db, limit: int, *, now: datetime, give_up_at: datetime) -> list[OwnedMail]:
    """At most so many of the oldest dead mails, which wait again by this call."""
    rows = await db.fetch(
        """
        WITH oldest AS MATERIALIZED (
            SELECT id
              FROM outbox
             WHERE dead_at IS NOT NULL
             ORDER BY id
             LIMIT $1
               FOR UPDATE SKIP LOCKED
        ), redriven AS (
            UPDATE outbox
               SET dead_at = NULL, due_at = $2, give_up_at = $3, attempts = 0
             WHERE id IN (SELECT id
                            FROM oldest)
            RETURNING id, user_id
        )
        SELECT id, user_id, pg_notify('gatepost_outbox', '')
          FROM redriven
        """,
        limit,
        now,
        give_up_at,
    )
    return [_owned(row) for row in rows]


async def drop(db: Db, mail_id: UUID) -> OwnedMail | None:
    """The mail, if there was one, which is gone by this call."""
    row = await db.fetchrow("DELETE FROM outbox WHERE id = $1 RETURNING id, user_id", mail_id)
    return _owned(row) if row else None


async def drop_dead(db: Db, limit: int) -> list[OwnedMail]:
    """At most so many of the oldest dead mails, which are gone by this call."""
    rows = await db.fetch(
        """
        WITH oldest AS MATERIALIZED (
            SELECT id
              FROM outbox
             WHERE dead_at IS NOT NULL
             ORDER BY id
             LIMIT $1
               FOR UPDATE SKIP LOCKED
        )
        DELETE FROM outbox
         WHERE id IN (SELECT id
                        FROM oldest)
        RETURNING id, user_id
        """,
        limit,
    )
    return [_owned(row) for row in rows]


def _owned(row: Row) -> OwnedMail:
    return OwnedMail(row["id"], row["user_id"])


def _note_of(row: Row) -> MailNote:
    return MailNote(
        id=row["id"],
        kind=row["kind"],
        recipient=row["recipient"],
        user_id=row["user_id"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        expires=row["expires"],
        dead_at=row["dead_at"],
        attempts=row["attempts"],
        last_error=row["last_error"],
    )
