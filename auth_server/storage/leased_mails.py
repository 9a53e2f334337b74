"""What a worker does to the mail that it has leased; nothing happens where the lease is another's by now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from auth_server.domain.mails import Mail, MailKind
from auth_server.storage.database import Db


@dataclass(frozen=True, slots=True)
class LeasedMail:
    """A mail as a worker finds it; its values are sealed."""

    id: UUID
    lease: UUID
    kind: MailKind
    recipient: str = field(repr=False)
    locale: str | None
    user_id: UUID | None
    sealed: bytes | None = field(repr=False)
    expires: datetime | None
    created_at: datetime
    give_up_at: datetime
    attempts: int
    """How often it was refused."""


async def lease(db: Db, lease_id: UUID, *, now: datetime, until: datetime) -> LeasedMail | None:
    """The mail that has been due for longest, leased; None where none is due.

    That of a worker which died is due when its lease has ended. A kind that only newer servers know is left to them.
    """
    row = await db.fetchrow(
        """
        UPDATE outbox
           SET lease = $1, due_at = $3
         WHERE id = (SELECT id
                       FROM outbox
                      WHERE dead_at IS NULL
                        AND due_at <= $2
                        AND kind = ANY ($4::text[])
                      ORDER BY due_at
                      LIMIT 1
                        FOR UPDATE SKIP LOCKED)
        RETURNING id, kind, recipient, locale, user_id, sealed, expires, created_at, give_up_at, attempts
        """,
        lease_id,
        now,
        until,
        [kind.value for kind in MailKind],
    )
    if row is None:
        return None
    return LeasedMail(
        id=row["id"],
        lease=lease_id,
        kind=MailKind(row["kind"]),
        recipient=row["recipient"],
        locale=row["locale"],
        user_id=row["user_id"],
        sealed=row["sealed"],
        expires=row["expires"],
        created_at=row["created_at"],
        give_up_at=row["give_up_at"],
        attempts=row["attempts"],
    )


async def prepare(db: Db, leased: LeasedMail, mail: Mail, sealed: bytes) -> bool:
    """Whether the request became this mail, which stays leased."""
    row = await db.fetchrow(
        """
        UPDATE outbox
           SET recipient = $3, locale = $4, user_id = $5, sealed = $6, expires = $7
         WHERE id = $1
           AND lease = $2
        RETURNING id
        """,
        leased.id,
        leased.lease,
        mail.recipient,
        mail.locale,
        mail.user_id,
        sealed,
        mail.expires,
    )
    return row is not None


async def remove(db: Db, leased: LeasedMail) -> bool:
    """Whether the mail, with all that it held, is gone by this call: it was sent, or has nobody to go to."""
    row = await db.fetchrow(
        "DELETE FROM outbox WHERE id = $1 AND lease = $2 RETURNING id",
        leased.id,
        leased.lease,
    )
    return row is not None


async def give_back(db: Db, leased: LeasedMail, error: str, now: datetime) -> None:
    """Gives the mail back as it was, due at once; it was not its own fault."""
    await db.fetchrow(
        "UPDATE outbox SET lease = NULL, due_at = $3, last_error = $4 WHERE id = $1 AND lease = $2 RETURNING id",
        leased.id,
        leased.lease,
        now,
        error,
    )


async def postpone(db: Db, leased: LeasedMail, error: str, due_at: datetime, *, alone: bool) -> None:
    """Lets the mail rest, and with it, unless alone, the others that wait for the same recipient."""
    await db.fetch(
        """
        WITH refused AS (
            UPDATE outbox
               SET lease = NULL, due_at = $3, attempts = attempts + 1, last_error = $4
             WHERE id = $1
               AND lease = $2
            RETURNING recipient
        )
        UPDATE outbox
           SET due_at = greatest(outbox.due_at, $3)
          FROM refused
         WHERE lower(outbox.recipient COLLATE "C") = lower(refused.recipient COLLATE "C")
           AND outbox.id <> $1
           AND outbox.lease IS NULL
           AND outbox.dead_at IS NULL
           AND NOT $5
        RETURNING outbox.id
        """,
        leased.id,
        leased.lease,
        due_at,
        error,
        alone,
    )


async def bury(db: Db, leased: LeasedMail, error: str, now: datetime, *, wiped: bool) -> None:
    """Makes the mail a dead one, which only an operator wakes; without its values where they are of no use any more."""
    await db.fetchrow(
        """
        UPDATE outbox
           SET lease = NULL, dead_at = $3, attempts = attempts + 1, last_error = $4,
               sealed = CASE WHEN $5 THEN NULL ELSE sealed END
         WHERE id = $1
           AND lease = $2
        RETURNING id
        """,
        leased.id,
        leased.lease,
        now,
        error,
        wiped,
    )
