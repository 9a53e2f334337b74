"""What is left of budgets, for all servers together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth_server.domain.budgets import FAILURES_KEPT, PERIOD, Draw, Share
from auth_server.storage.database import Db


@dataclass(frozen=True, slots=True)
class Spent:
    """A share of which nothing is left."""

    share: Share
    wait: timedelta
    """Until something is."""


async def take(db: Db, draws: Sequence[Draw], most_failures: int, now: datetime) -> Spent | None:
    """None where something was left of every share, and one was taken from each; else nothing was taken.

    Answers the share that one waits for the longest. Of many calls at once, on any number of servers, never more come
    through than there is left.
    """
    row = await db.fetchrow(
        "SELECT spent, wait FROM take_from_budgets($1, $2, $3, $4, $5, $6, $7)",
        [draw.subject for draw in draws],
        [draw.pace for draw in draws],
        [draw.counts_failures for draw in draws],
        PERIOD,
        most_failures,
        FAILURES_KEPT,
        now,
    )
    if row is None:
        return None
    share = next(draw.share for draw in draws if draw.subject == row["spent"])
    return Spent(share, row["wait"])


async def give_back(db: Db, draws: Sequence[Draw], now: datetime) -> None:
    """Undoes what was taken.

    Of a share that is whole by it nothing is left: a flood of what evaluates nothing leaves no rows behind.
    """
    await db.fetchrow(
        """
        WITH held AS (
            SELECT budgets.subject,
                   whole_at - asked.pace AS whole_at,
                   greatest(failures - asked.counts::integer, 0) AS failures
              FROM budgets
              JOIN unnest($1::bytea[], $2::interval[], $3::boolean[]) AS asked (subject, pace, counts)
                ON asked.subject = budgets.subject,
                   set_config('synchronous_commit', 'off', true)
             ORDER BY budgets.subject
               FOR UPDATE OF budgets
        ), gone AS (
            DELETE FROM budgets
             USING held
             WHERE budgets.subject = held.subject
               AND held.whole_at <= $4
               AND held.failures = 0
        )
        UPDATE budgets
           SET whole_at = held.whole_at,
               failures = held.failures
          FROM held
         WHERE budgets.subject = held.subject
           AND (held.whole_at > $4 OR held.failures > 0)
        """,
        [draw.subject for draw in draws],
        [draw.pace for draw in draws],
        [draw.counts_failures for draw in draws],
        now,
    )


async def forgive(db: Db, draws: Sequence[Draw], forgiven: Sequence[bytes], now: datetime) -> None:
    """Undoes what was taken, and forgets the failures of those shares and of the forgiven ones."""
    subjects = [*(draw.subject for draw in draws), *forgiven]
    await db.fetchrow(
        """
        WITH held AS (
            SELECT subject
              FROM budgets
             WHERE subject = ANY ($1::bytea[])
             ORDER BY subject
               FOR UPDATE
        )
        UPDATE budgets
           SET whole_at = whole_at - asked.pace,
               failures = 0,
               over_at = date_trunc('hour', greatest(whole_at, $3)) + interval '1 hour'
          FROM held,
               unnest($1::bytea[], $2::interval[]) AS asked (subject, pace),
               set_config('synchronous_commit', 'off', true)
         WHERE budgets.subject = held.subject
           AND asked.subject = held.subject
        """,
        subjects,
        [*(draw.pace for draw in draws), *(timedelta(0) for _ in forgiven)],
        now,
    )


async def make_whole(db: Db, subjects: Sequence[bytes]) -> None:
    """Gives these shares back whole, failures and all."""
    await db.fetchrow(
        """
        WITH held AS (
            SELECT subject
              FROM budgets
             WHERE subject = ANY ($1::bytea[])
             ORDER BY subject
               FOR UPDATE
        )
        DELETE FROM budgets
         USING held
         WHERE budgets.subject = held.subject
        """,
        subjects,
    )


async def sweep(db: Db, over_before: datetime, limit: int) -> int:
    """Deletes as many shares at the most that were whole again, and whose failures were forgotten; answers how many."""
    row = await db.fetchrow(
        """
        WITH gone AS (
            DELETE FROM budgets
             WHERE ctid = ANY (ARRAY(SELECT ctid
                                       FROM budgets
                                      WHERE over_at < $1
                                      LIMIT $2
                                        FOR UPDATE SKIP LOCKED))
            RETURNING true
        )
        SELECT count(*) FROM gone
        """,
        over_before,
        limit,
    )
    return int(row["count"])
