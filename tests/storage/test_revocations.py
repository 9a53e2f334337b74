"""The log of revocations read by positions: nothing is lost, whatever order transactions commit in."""

import asyncio
import random
from datetime import UTC, datetime

import asyncpg
import pytest

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.domain.revocations import BEGINNING, Position, position_of
from auth_server.storage.revocations import listening, since

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def writers(database_url):
    """Three connections that write at the same time."""
    connections = [await asyncpg.connect(database_url) for _ in range(3)]
    yield connections
    for connection in connections:
        await connection.close()


async def log(connection, subject_id, at=None):
    await connection.execute("SELECT log_revocation('key', $1, 'key revoked', $2)", subject_id, at or datetime.now(UTC))


async def look(db, position, **more):
    """The subjects that the position had not seen, and the position that has seen them."""
    found = await since(db, position, revoked_after=LONG_AGO, **more)
    return [entry.subject_id for entry in found.entries], found.position


@pytest.fixture
async def present(db):
    """A position that has seen all of the log."""
    return (await look(db, BEGINNING))[1]


@pytest.mark.requirement(45)
async def test_an_entry_that_is_committed_after_a_later_number_is_not_lost(db, writers, present):
    slow, fast, _ = writers
    transaction = slow.transaction()
    await transaction.start()
    await log(slow, "slow")
    await log(fast, "fast")

    first, position = await look(db, present)
    await transaction.commit()
    second, position = await look(db, position)

    assert (first, second) == (["fast"], ["slow"])
    assert await look(db, position) == ([], position)


@pytest.mark.requirement(45)
async def test_what_is_rolled_back_is_waited_for_no_longer(db, writers, present):
    slow, fast, _ = writers
    transaction = slow.transaction()
    await transaction.start()
    await log(slow, "slow")
    await log(fast, "fast")
    _, during = await look(db, present)

    await transaction.rollback()

    seen, after = await look(db, during)
    assert seen == []
    assert during.running != ()
    assert after.running == ()


@pytest.mark.requirement(45)
@pytest.mark.parametrize("seed", range(5))
async def test_every_committed_entry_is_seen_exactly_once_in_any_order_of_commits(db, writers, present, seed):
    dice = random.Random(seed)
    committed, seen, position, opened = [], [], present, {}
    for number in range(60):
        writer = dice.choice(writers)
        if writer in opened and dice.random() < 0.6:
            transaction, entries = opened.pop(writer)
            if dice.random() < 0.7:
                await transaction.commit()
                committed += entries
            else:
                await transaction.rollback()
        elif writer not in opened:
            transaction = writer.transaction()
            await transaction.start()
            await log(writer, f"{number}")
            opened[writer] = transaction, [f"{number}"]
        else:
            await log(writer, f"{number}")
            opened[writer][1].append(f"{number}")
        if dice.random() < 0.5:
            found, position = await look(db, position_of(position.cursor))
            seen += found
    for transaction, entries in opened.values():
        await transaction.commit()
        committed += entries
    seen += (await look(db, position))[0]

    assert sorted(seen) == sorted(committed)


async def test_a_long_list_is_read_in_pages(db, sql, present):
    for number in range(7):
        await log(sql, f"{number}")

    found, last = [], (-1, -1)
    while page := (await since(db, present, revoked_after=LONG_AGO, last=last, limit=3)).entries:
        found += [entry.subject_id for entry in page]
        last = page[-1].transaction, page[-1].number

    assert found == [f"{number}" for number in range(7)]


async def test_a_cursor_with_many_running_transactions_falls_back_to_the_oldest():
    many = Position("a", 1000, tuple(range(900, 1000)))

    assert position_of(many.cursor) == Position("a", 900, ())
    few = Position("a", 1000, tuple(range(900, 960)))
    assert position_of(few.cursor) == few


@pytest.mark.requirement(45)
async def test_a_listener_is_woken_by_an_entry_and_not_by_others(database_url, db, sql):
    async with listening(database_url, prepared=True) as listener:
        await listener.since(BEGINNING, revoked_after=LONG_AGO, limit=1)
        waiting = asyncio.create_task(listener.wait(5))
        await asyncio.sleep(0.05)
        assert not waiting.done()

        await log(sql, "key")

        async with asyncio.timeout(1):
            await waiting


async def test_a_listener_whose_connection_ends_is_told(database_url, db, sql):
    async with listening(database_url, prepared=True) as listener:
        await sql.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'gatepost revocations' AND pid <> pg_backend_pid()"
        )

        with pytest.raises(DatabaseUnavailableError):
            await listener.since(BEGINNING, revoked_after=LONG_AGO, limit=1)


async def test_a_database_that_is_not_there_cannot_be_listened_to():
    with pytest.raises(DatabaseUnavailableError):
        async with listening("postgresql://u@127.0.0.1:1/none", prepared=True):
            pass
