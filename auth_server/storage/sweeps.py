"""Deletes what has had its time, in batches: each statement at most so many rows, of which it answers how many.

A batch leaves out rows that another transaction holds. So any number of servers may sweep at once and share the work,
and none waits for a sweep but for the row that it deletes. Rows are found by where they lie (`ctid`): a row that
changed meanwhile is judged anew as it is locked, and left alone where it lies elsewhere now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from auth_server.storage.database import Db

Statement = Callable[[Db, datetime, int], Awaitable[int]]


def past(table: str, column: str = "expires") -> Statement:
    """Deletes the rows of this table whose time in this column was before."""
    sql = f"""
        WITH gone AS (
            DELETE FROM {table}
             WHERE ctid = ANY (ARRAY(SELECT ctid
                                       FROM {table}
                                      WHERE {column} < $1
                                      LIMIT $2
                                        FOR UPDATE SKIP LOCKED))
            RETURNING true
        )
        SELECT count(*) FROM gone
        """  # noqa: S608 (names of our own)

    async def sweep(db: Db, before: datetime, limit: int) -> int:
        return await _count(db, sql, before, limit)

    return sweep


async def refresh_families(db: Db, over_before: datetime, limit: int) -> int:
    """Sign-ins that had ended or come to their end; their refresh tokens go along."""
    return await _count(
        db,
        """
        WITH gone AS (
            DELETE FROM refresh_families
             WHERE ctid = ANY (ARRAY(SELECT ctid
                                       FROM refresh_families
                                      WHERE ended_at < $1
                                         OR expires < $1
                                      LIMIT $2
                                        FOR UPDATE SKIP LOCKED))
            RETURNING true
        )
        SELECT count(*) FROM gone
        """,
        over_before,
        limit,
    )


async def idle_families(db: Db, expired_before: datetime, limit: int) -> int:
    """Sign-ins that were not refreshed in time: they have come to their end, which is what their rows say now."""
    return await _count(
        db,
        """
        WITH over AS (
            SELECT refresh_families.id, latest.expires
              FROM refresh_tokens AS latest
              JOIN refresh_families ON refresh_families.id = latest.family_id
             WHERE latest.expires < $1
               AND latest.used_at IS NULL
               AND refresh_families.expires > latest.expires
             LIMIT $2
               FOR UPDATE OF refresh_families SKIP LOCKED
        ), told AS (
            UPDATE refresh_families
               SET expires = over.expires
              FROM over
             WHERE refresh_families.id = over.id
            RETURNING true
        )
        SELECT count(*) FROM told
        """,
        expired_before,
        limit,
    )


async def refresh_tokens(db: Db, expired_before: datetime, limit: int) -> int:
    """Used refresh tokens that had expired; a sign-in's latest one goes with it.

    The one before a token that still lives stays: it says when the sign-in was last used.
    """
    return await _count(
        db,
        """
        WITH gone AS (
            DELETE FROM refresh_tokens
             WHERE ctid = ANY (ARRAY(SELECT old.ctid
                                       FROM refresh_tokens AS old
                                      WHERE old.expires < $1
                                        AND old.used_at IS NOT NULL
                                        AND NOT EXISTS (SELECT
                                                          FROM refresh_tokens AS successor
                                                         WHERE successor.family_id = old.family_id
                                                           AND successor.generation = old.generation + 1
                                                           AND successor.used_at IS NULL
                                                           AND successor.expires >= $1)
                                      LIMIT $2
                                        FOR UPDATE OF old SKIP LOCKED))
            RETURNING true
        )
        SELECT count(*) FROM gone
        """,
        expired_before,
        limit,
    )


async def refresh_answers(db: Db, given_before: datetime, limit: int) -> int:
    """Sealed answers to refreshes of long ago, which nobody may ask for again; their tokens stay."""
    return await _count(
        db,
        """
        WITH wiped AS (
            UPDATE refresh_tokens
               SET sealed_answer = NULL, request_id_hash = NULL
             WHERE ctid = ANY (ARRAY(SELECT successor.ctid
                                       FROM refresh_tokens AS successor
                                      WHERE successor.sealed_answer IS NOT NULL
                                        AND (SELECT used_at
                                               FROM refresh_tokens AS used
                                              WHERE used.family_id = successor.family_id
                                                AND used.generation = successor.generation - 1) < $1
                                      LIMIT $2
                                        FOR UPDATE OF successor SKIP LOCKED))
            RETURNING true
        )
        SELECT count(*) FROM wiped
        """,
        given_before,
        limit,
    )


async def revocations(db: Db, revoked_before: datetime, limit: int) -> int:
    """Entries of the revocation log whose tokens had all expired."""
    return await _count(
        db,
        """
        WITH gone AS (
            DELETE FROM revocations
             WHERE ctid = ANY (ARRAY(SELECT ctid
                                       FROM revocations
                                      WHERE revoked_at < $1
                                      ORDER BY number
                                      LIMIT $2
                                        FOR UPDATE SKIP LOCKED))
            RETURNING true
        )
        SELECT count(*) FROM gone
        """,
        revoked_before,
        limit,
    )


async def outbox(db: Db, given_up_before: datetime, limit: int) -> int:
    """Mails that had failed for good, and those whose time had passed though no worker gave them up."""
    return await _count(
        db,
        """
        WITH gone AS (
            DELETE FROM outbox
             WHERE ctid = ANY (ARRAY(SELECT ctid
                                       FROM outbox
                                      WHERE give_up_at < $1
                                        AND COALESCE(dead_at, give_up_at) < $1
                                      LIMIT $2
                                        FOR UPDATE SKIP LOCKED))
            RETURNING true
        )
        SELECT count(*) FROM gone
        """,
        given_up_before,
        limit,
    )


async def audit_events(db: Db, before: datetime, limit: int) -> int:
    """The beginning of the audit log's chain, up to a checkpoint (0016_audit_bounds.sql); somewhat more than asked."""
    return await _count(db, "SELECT drop_audit_events($1, $2) AS count", before, limit)


async def audit_keys(db: Db, made_before: datetime, limit: int) -> int:
    """Keys of strangers in the audit log; what they sealed is nobody's to read any more."""
    return await _count(
        db,
        """
        WITH gone AS (
            DELETE FROM audit_keys
             WHERE ctid = ANY (ARRAY(SELECT ctid
                                       FROM audit_keys
                                      WHERE created_at < $1
                                        AND user_id IS NULL
                                      LIMIT $2
                                        FOR UPDATE SKIP LOCKED))
            RETURNING true
        )
        SELECT count(*) FROM gone
        """,
        made_before,
        limit,
    )


async def _count(db: Db, sql: str, before: datetime, limit: int) -> int:
    row = await db.fetchrow(sql, before, limit)
    count: int = row["count"]
    return count
