"""Retention: what has had its time goes, in batches, and nothing else does."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from auth_server.domain.refresh_tokens import LONGEST_WINDOW
from auth_server.usecases.sweeping import Retention, Sweeping, sweeps_of
from tests.audit import chained

DAY = timedelta(days=1)
SWEEPS = {sweep.what: sweep for sweep in sweeps_of(Retention(dead_mails=30 * DAY, audit_events=400 * DAY))}

# By what is swept: a statement that adds a row whose time is over at $1, each time another one.
ROWS = {
    "expired sessions": """
        INSERT INTO sessions SELECT uuid_send(gen_random_uuid()), gen_random_uuid(), id, $1 FROM users
    """,
    "expired verification tokens": """
        INSERT INTO verification_tokens VALUES ('someone', uuid_send(gen_random_uuid()), $1)
    """,
    "expired one-time tokens": """
        INSERT INTO one_time_tokens
        SELECT uuid_send(gen_random_uuid()),
               (ARRAY['reset-password', 'verify-email'])[1 + (SELECT count(*) FROM one_time_tokens)], id, 'a', 0, $1
          FROM users
    """,
    "unconfirmed second factors": """
        WITH person AS (
            INSERT INTO users (id, created_at, updated_at) VALUES (gen_random_uuid(), $1, $1) RETURNING id
        )
        INSERT INTO second_factors SELECT id, '', 0, $1, $1, NULL FROM person
    """,
    "challenges of sign-ins": """
        INSERT INTO sign_in_challenges
        SELECT uuid_send(gen_random_uuid()), id, '{pwd}', 0, $1, $1 FROM users
    """,
    "challenges of passkeys": """
        INSERT INTO passkey_challenges (challenge_hash, ceremony_hash, expires)
        VALUES (uuid_send(gen_random_uuid()), 'a', $1)
    """,
    "ended sign-ins": """
        INSERT INTO refresh_families (id, user_id, created_at, expires, ended_at, ended_reason)
        SELECT gen_random_uuid(), id, $1::timestamptz - interval '9 days', $1::timestamptz + interval '9 days', $1,
               'logout'
          FROM users
    """,
    "revocations": """
        INSERT INTO revocations (subject, subject_id, reason, revoked_at) VALUES ('user', 'x', 'user deleted', $1)
    """,
    "dead mails": """
        INSERT INTO outbox (id, kind, recipient, created_at, due_at, give_up_at, dead_at)
        VALUES (gen_random_uuid(), 'verify-email', 'a@b.c', $1, $1, $1, $1)
    """,
    "mail limits": """
        INSERT INTO mail_allowances VALUES (uuid_send(gen_random_uuid()), $1)
    """,
    "audit keys of strangers": """
        INSERT INTO audit_keys (id, subject, sealed, created_at)
        SELECT gen_random_uuid(), uuid_send(gen_random_uuid()), 'a', $1
    """,
    "throttles": """
        INSERT INTO budgets VALUES (uuid_send(gen_random_uuid()), $1, 0, $1)
    """,
    "audit events": """
        INSERT INTO audit_events (at, event) VALUES ($1, 'tested')
    """,
}


@pytest.fixture
async def user(people, sql):
    """Somebody, and nothing else in the database."""
    made = await people.a_user()
    await sql.execute("DELETE FROM revocations; DELETE FROM audit_events; DELETE FROM audit_keys; DELETE FROM outbox")
    return made


@pytest.fixture
def sweeping(db, clock):
    return Sweeping(db, clock)


async def swept(sweeping, sweep):
    """How many rows go; waits for the tests' server, which may hold the audit log's chain."""
    async with asyncio.timeout(30):
        while not (rows := await sweeping.turn(sweep)):  # noqa: ASYNC110 (another one's transaction ends)
            await asyncio.sleep(0.01)
    return rows


async def number_in(sql, table):
    return await sql.fetchval(f"SELECT count(*) FROM {table}")


@pytest.mark.requirement(63)
@pytest.mark.parametrize("what", ROWS)
async def test_what_is_over_goes_when_it_was_kept_long_enough(user, db, sql, sweeping, clock, what):
    sweep = SWEEPS[what]
    clock.stopped_at = datetime.now(UTC)
    edge = clock() - sweep.kept
    await sql.execute(ROWS[what], edge - timedelta(seconds=1))
    await chained(db, sql)
    await sql.execute(ROWS[what], edge + timedelta(seconds=1))
    await chained(db, sql)
    # As if a server had been there: what was chained lately stays, however old it says that it is.
    await sql.execute(
        "UPDATE audit_checkpoints SET at = audit_events.at FROM audit_links, audit_events"
        " WHERE audit_links.position = audit_checkpoints.position AND audit_events.id = event_id"
    )

    assert await swept(sweeping, sweep) == 1
    assert await sweeping.turn(sweep) == 0
    assert await number_in(sql, sweep.table) == 1
    clock.advance(timedelta(seconds=2))
    assert await swept(sweeping, sweep) == 1


@pytest.mark.requirement(63)
async def test_a_turn_sweeps_batch_after_batch(user, db, sql, clock):
    await sql.executemany(ROWS["expired sessions"], [(clock() - DAY,)] * 7)
    statements = []

    async def counted(*arguments):
        statements.append(await SWEEPS["expired sessions"].statement(*arguments))
        return statements[-1]

    sweep = SWEEPS["expired sessions"]
    small = Sweeping(db, clock, batch=3)
    assert await small.turn(type(sweep)(sweep.table, sweep.what, counted, sweep.kept)) == 7
    assert statements == [3, 3, 1]


@pytest.mark.requirement(63)
async def test_a_turn_ends_in_time_and_the_next_one_goes_on(user, db, sql, clock):
    await sql.executemany(ROWS["expired sessions"], [(clock() - DAY,)] * 7)
    hurried = Sweeping(db, clock, batch=3, longest_turn_seconds=0)

    assert [await hurried.turn(SWEEPS["expired sessions"]) for _ in range(3)] == [3, 3, 1]


@pytest.mark.requirement(63)
async def test_many_servers_share_a_sweep(user, db, sql, clock):
    await sql.executemany(ROWS["expired sessions"], [(clock() - DAY,)] * 500)
    servers = [Sweeping(db, clock, batch=20) for _ in range(6)]

    swept = await asyncio.gather(*(server.turn(SWEEPS["expired sessions"]) for server in servers))

    assert sum(swept) + sum([await servers[0].turn(SWEEPS["expired sessions"])]) == 500
    assert await number_in(sql, "sessions") == 0


@pytest.mark.requirement(63)
async def test_a_sweep_waits_for_nobody_and_judges_a_changed_row_anew(user, sql, sweeping, clock, database_url):
    await sql.executemany(ROWS["expired sessions"], [(clock() - DAY,)] * 2)
    other = await asyncpg.connect(database_url)
    change = other.transaction()
    await change.start()
    await other.execute(
        "UPDATE sessions SET expires = $1 WHERE id IN (SELECT max(id::text)::uuid FROM sessions)", DAY + clock()
    )

    async with asyncio.timeout(2):
        assert await sweeping.turn(SWEEPS["expired sessions"]) == 1
    await change.commit()
    await other.close()

    assert await sweeping.turn(SWEEPS["expired sessions"]) == 0
    assert await number_in(sql, "sessions") == 1


async def test_what_was_swept_is_logged_without_a_word_of_whose_it_was(user, sql, sweeping, clock, caplog):
    caplog.set_level(logging.INFO)
    await sql.execute(ROWS["expired verification tokens"], clock() - DAY)

    await sweeping.turn(SWEEPS["expired verification tokens"])
    await sweeping.turn(SWEEPS["expired verification tokens"])

    lines = [record for record in caplog.records if record.message == "swept"]
    assert [(line.what, line.rows) for line in lines] == [("expired verification tokens", 1)]


@pytest.mark.requirement(63)
async def test_audit_events_may_be_kept_for_ever():
    swept = {sweep.table for sweep in sweeps_of(Retention(dead_mails=DAY, audit_events=None))}

    assert "audit_events" not in swept


@pytest.mark.requirement(63)
async def test_a_server_runs_every_sweep(server):
    running = {task.get_name() for task in asyncio.all_tasks()}

    assert {f"sweep of {what}" for what in SWEEPS} <= running


def test_no_answer_to_a_refresh_is_swept_while_it_may_be_asked_for():
    assert SWEEPS["answers to refreshes"].kept > LONGEST_WINDOW
