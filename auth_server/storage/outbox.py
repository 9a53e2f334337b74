"""The outbox: mails that wait, those that workers have leased, and those that failed for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_server.domain.mails import Allowance, Mail
from auth_server.storage.database import Db

CHANNEL = "gatepost_outbox"


@dataclass(frozen=True, slots=True)
class NewRow:
    """A mail and what its row holds beside it."""

    id: UUID
    mail: Mail
    sealed: bytes
    created_at: datetime
    give_up_at: datetime


async def add(db: Db, row: NewRow, of_address: Allowance, of_account: Allowance | None) -> bool:
    """Whether the mail was written: both limits have something left, and its user is there.

    One statement, so that none of many callers at once comes past a limit; workers are woken when it is committed.
    """
    mail, now = row.mail, row.created_at
    added = await db.fetchrow(
        """
        WITH present AS (
            SELECT true
             WHERE $5::uuid IS NULL OR EXISTS (SELECT FROM users WHERE id = $5 FOR KEY SHARE)
        ), of_address AS (
            INSERT INTO mail_allowances AS mine (subject, whole_at)
            SELECT $10, $8::timestamptz + $11::interval
              FROM present
                ON CONFLICT (subject) DO UPDATE
               SET whole_at = greatest(mine.whole_at, $8) + $11::interval
             WHERE mine.whole_at <= $12
            RETURNING subject
        ), of_account AS (
            INSERT INTO mail_allowances AS mine (subject, whole_at)
            SELECT $13, $8::timestamptz + $14::interval
              FROM of_address
             WHERE $13::bytea IS NOT NULL
                ON CONFLICT (subject) DO UPDATE
               SET whole_at = greatest(mine.whole_at, $8) + $14::interval
             WHERE mine.whole_at <= $15
            RETURNING subject
        ), added AS (
            INSERT INTO outbox (id, kind, recipient, locale, user_id, sealed, expires, created_at, due_at, give_up_at)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $8, $9
              FROM of_address
             WHERE $13::bytea IS NULL OR EXISTS (SELECT FROM of_account)
            RETURNING id
        )
        SELECT id, pg_notify('gatepost_outbox', '')
          FROM added
        """,
        row.id,
        mail.kind.value,
        mail.recipient,
        mail.locale,
        mail.user_id,
        row.sealed,
        mail.expires,
        now,
        row.give_up_at,
        of_address.subject,
        of_address.pace,
        of_address.latest_whole_at(now),
        of_account.subject if of_account else None,
        of_account.pace if of_account else None,
        of_account.latest_whole_at(now) if of_account else None,
    )
    return added is not None


async def take(db: Db, allowance: Allowance, now: datetime) -> bool:
    """Whether the limit had something left, of which one mail is taken by this call."""
    row = await db.fetchrow(
        """
        INSERT INTO mail_allowances AS mine (subject, whole_at)
        VALUES ($1, $2::timestamptz + $3::interval)
            ON CONFLICT (subject) DO UPDATE
           SET whole_at = greatest(mine.whole_at, $2) + $3::interval
         WHERE mine.whole_at <= $4
        RETURNING true
        """,
        allowance.subject,
        now,
        allowance.pace,
        allowance.latest_whole_at(now),
    )
    return row is not None


async def delete_to(db: Db, email: str) -> None:
    """Deletes the mails to this address that are nobody's yet, without regard to ASCII case."""
    await db.fetch(
        """
        DELETE FROM outbox
         WHERE user_id IS NULL
           AND lower(recipient COLLATE "C") = lower($1::text COLLATE "C")
        """,
        email,
    )
