import asyncio
from contextlib import suppress

import asyncpg
import pytest

from auth_server.domain.errors import DatabaseUnavailableError, RequestInvalidError
from auth_server.storage.database import connected
from tests.waiting import until


async def test_a_connection_is_clean_after_a_cancelled_transaction(database_url):
    async with connected(database_url, size=1) as database:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await database.fetchrow("SELECT pg_sleep(10)")

        assert (await database.fetchrow("SELECT 1 AS one"))["one"] == 1


async def test_waiters_that_gave_up_keep_no_connection(database_url):
    async with connected(database_url, size=2) as database:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(database.fetchrow("SELECT pg_sleep(0.01), $1::int AS n", n)) for n in range(40)]
            await asyncio.sleep(0.03)
            for task in asked[::3]:
                task.cancel()
        answered = {number for number, task in enumerate(asked) if not task.cancelled()}

        assert {(await asked[number])["n"] for number in answered} == answered
        assert answered >= set(range(40)) - set(range(0, 40, 3))
        assert (await database.fetchrow("SELECT 1 AS one"))["one"] == 1


async def test_connections_that_the_server_ended_at_rest_are_replaced_unseen(database_url, sql):
    async with connected(database_url, size=3) as database:
        async with asyncio.TaskGroup() as group:
            rows = [
                group.create_task(database.fetchrow("SELECT pg_backend_pid() AS pid, pg_sleep(0.05)")) for _ in "123"
            ]
        pids = {(await row)["pid"] for row in rows}
        assert len(pids) == 3

        await sql.fetch("SELECT pg_terminate_backend(pid, 5000) FROM unnest($1::int[]) AS pid", pids)
        await asyncio.sleep(0.05)  # the ends of the connections arrive

        assert (await database.fetchrow("SELECT pg_backend_pid() AS pid"))["pid"] not in pids


@pytest.mark.slow
async def test_a_connection_that_ends_as_a_statement_begins_fails_as_one_that_is_away(database_url, sql):
    async with connected(database_url, size=1) as database:
        for _ in range(30):
            pid = (await database.fetchrow("SELECT pg_backend_pid() AS pid"))["pid"]
            await sql.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
            with suppress(DatabaseUnavailableError):  # unless its end was noticed before
                await database.fetchrow("SELECT 1")

            assert (await database.fetchrow("SELECT 1 AS one"))["one"] == 1


async def test_text_that_cannot_be_stored_is_the_callers_fault(shared_database):
    with pytest.raises(RequestInvalidError):
        await shared_database.fetchrow("SELECT $1::text", "\0")
    with pytest.raises(RequestInvalidError):
        await shared_database.fetchrow("SELECT $1::jsonb", '"\\u0000"')


async def test_a_killed_connection_is_told_and_replaced(database_url, sql):
    async with connected(database_url, size=1) as database:
        pid = (await database.fetchrow("SELECT pg_backend_pid() AS pid"))["pid"]
        waiting = asyncio.ensure_future(database.fetchrow("SELECT pg_sleep(10)"))
        await asyncio.sleep(0.05)

        await sql.fetchval("SELECT pg_terminate_backend($1)", pid)

        with pytest.raises(DatabaseUnavailableError):
            await waiting
        assert (await database.fetchrow("SELECT 1 AS one"))["one"] == 1


async def test_a_statement_that_lost_a_deadlock_is_run_again(database_url, sql):
    await sql.execute("CREATE TABLE IF NOT EXISTS deadlock (id int PRIMARY KEY); INSERT INTO deadlock VALUES (1), (2)")
    rival = await asyncpg.connect(database_url)
    await rival.execute("SET deadlock_timeout = '60s'")
    async with connected(database_url, size=2) as database:
        transaction = rival.transaction()
        await transaction.start()
        await rival.execute("UPDATE deadlock SET id = 2 WHERE id = 2")
        # Locks row 1, then waits for the rival's row 2, while the rival waits for row 1.
        ours = asyncio.ensure_future(
            database.fetch(
                "WITH one AS (UPDATE deadlock SET id = 1 WHERE id = 1 RETURNING id),"
                " wait AS (SELECT pg_sleep(0.05) FROM one)"
                " UPDATE deadlock SET id = 2 FROM wait WHERE deadlock.id = 2 RETURNING deadlock.id"
            )
        )
        await asyncio.sleep(0.3)
        theirs = asyncio.ensure_future(rival.execute("UPDATE deadlock SET id = 1 WHERE id = 1"))
        await asyncio.wait_for(theirs, 30)
        await transaction.commit()

        assert [row["id"] for row in await ours] == [2]
    await rival.close()
    await sql.execute("DROP TABLE deadlock")


@pytest.mark.parametrize("url", ["postgresql://u:p@127.0.0.1:1/none", "nonsense", "postgresql:///x?host=/nowhere"])
async def test_a_database_that_cannot_be_reached_is_told(url):
    with pytest.raises(DatabaseUnavailableError):
        async with connected(url, size=1):
            pass


async def test_an_error_of_the_driver_does_not_show_the_row(shared_database, sql):
    await sql.execute(
        "INSERT INTO users (id, name, created_at, updated_at) VALUES (gen_random_uuid(), 'x', now(), now())"
    )

    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await shared_database.fetchrow("UPDATE users SET name = 'marked', role = 'other' RETURNING id")

    assert "marked" not in str(caught.value)
    assert caught.value.constraint_name == "users_role_check"


async def test_a_transaction_holds_all_or_nothing(database_url, sql):
    async def two(db):
        await db.fetchrow("INSERT INTO verification_tokens VALUES ('one', '', now())")
        rows = await db.fetch("SELECT identifier FROM verification_tokens")
        assert [row["identifier"] for row in rows] == ["one"]
        raise LookupError

    async with connected(database_url, size=1) as database:
        with pytest.raises(LookupError):
            await database.transaction(two)

        assert await database.fetch("SELECT identifier FROM verification_tokens") == []


async def test_a_transaction_that_lost_a_deadlock_begins_anew(database_url, sql):
    await sql.execute("INSERT INTO verification_tokens VALUES ('a', '', now()), ('b', '', now())")
    met = asyncio.Barrier(2)
    runs = []

    async def crossing(db, first, second):
        runs.append(first)
        await db.fetchrow("UPDATE verification_tokens SET expires = now() WHERE identifier = $1", first)
        if len(runs) <= 2:
            await met.wait()
        await db.fetchrow("UPDATE verification_tokens SET expires = now() WHERE identifier = $1", second)
        return first

    async with connected(database_url, size=2) as database:
        answers = await asyncio.gather(
            database.transaction(lambda db: crossing(db, "a", "b")),
            database.transaction(lambda db: crossing(db, "b", "a")),
        )

    assert answers == ["a", "b"]
    assert len(runs) > 2  # who lost may have its row again before the other awakes, and lose once more


async def test_a_cancelled_transaction_leaves_nothing(database_url, sql):
    async def stuck(db):
        await db.fetchrow("INSERT INTO verification_tokens VALUES ('one', '', now())")
        await db.fetchrow("SELECT pg_sleep(10)")

    async with connected(database_url, size=1) as database:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await database.transaction(stuck)

        assert await database.fetch("SELECT identifier FROM verification_tokens") == []


async def test_a_statement_that_is_cancelled_once_it_is_parsed_holds_no_lock(db, sql, monkeypatch):
    parse = asyncpg.Connection._get_statement

    async def parse_for_nobody(*given, **named):
        await parse(*given, **named)
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, "_get_statement", parse_for_nobody)
        with pytest.raises(asyncio.CancelledError):
            await db.fetchrow("SELECT 'cancelled' FROM users")

    async def is_at_rest():
        states = await sql.fetch("SELECT state FROM pg_stat_activity WHERE query LIKE '_ELECT ''cancelled''%'")
        return all(row["state"] == "idle" for row in states)

    await asyncio.wait_for(until(is_at_rest), 10)
    await sql.execute("SET lock_timeout = '5s'; LOCK TABLE users IN ACCESS EXCLUSIVE MODE; RESET lock_timeout")
