"""The chain over the audit log: it grows behind the writers, and shows whatever was done to the log."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from auth_server.domain.audit_chain import Anchor, link_of
from auth_server.domain.audit_events import AuditEvent
from auth_server.storage import audit, audit_chain, sweeps
from auth_server.storage.database import connected
from auth_server.storage.migrations import migrate
from auth_server.usecases.audit_chaining import ChainBrokenError
from tests.audit import chaining, now, verification
from tests.storage.conftest import BATCH


async def faults(own, *anchors):
    return (await verification(own).verdict(anchors)).faults


@pytest.mark.requirement(62)
async def test_a_log_that_nobody_touched_verifies(own, log):
    verdict = await verification(own).verdict()

    assert (verdict.faults, verdict.events, verdict.first) == ([], 10, 1)
    assert await log.fetch("SELECT position FROM audit_checkpoints ORDER BY position") == [(4,), (8,), (10,)]
    assert await faults(own, verdict.last) == []


async def test_an_empty_log_verifies(own, past):
    assert await faults(own) == []


async def chained_days_ago(own, *days):
    """Adds events of so many days ago; the checkpoint behind them is of the last one's time."""
    for each in days:
        await audit.add(own, AuditEvent.SIGNED_IN, None, now() - timedelta(days=each))
    await chaining(own, clock=lambda: now() - timedelta(days=days[-1])).turn()


COLUMNS = {
    "at": "at + interval '1 microsecond'",
    "event": "'signed-out'",
    "user_id": "gen_random_uuid()",
    "request_id": "''",
    "rpc": "'x'",
    "caller": "caller || ' '",
    "outcome": "'no'",
    "repeats": "2",
    "key_id": "gen_random_uuid()",
    "sealed": "'\\x00'",
    "target": "'service:x'",
}


@pytest.mark.requirement(62)
async def test_a_change_of_any_column_is_found(own, log, subtests):
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'audit_events'"
    assert {row[0] for row in await log.fetch(columns)} == COLUMNS.keys() | {"id"}
    await log.execute("CREATE TEMP TABLE before AS SELECT * FROM audit_events")
    for column, value in COLUMNS.items():
        with subtests.test(column):
            await log.execute(f"UPDATE audit_events SET {column} = {value} WHERE caller = 'user:5'")

            [fault] = await faults(own)

            assert "at position 6, was changed or moved" in fault
            back = f"UPDATE audit_events SET {column} = before.{column} FROM before WHERE before.id = audit_events.id"
            await log.execute(back)


# What somebody does to the tables, and what is said of it.
TAMPERING = {
    "a row is removed": ("DELETE FROM audit_events WHERE caller = 'user:5'", "at position 6, was removed"),
    "a row is removed with its link": (
        "DELETE FROM audit_links WHERE position = 6; DELETE FROM audit_events WHERE caller = 'user:5'",
        "the links of positions 6 to 6 were removed",
    ),
    "the last rows are removed with their links": (
        "DELETE FROM audit_links WHERE position > 8; DELETE FROM audit_events WHERE caller IN ('user:8', 'user:9')",
        "the link of position 10, which a checkpoint vouches for, was removed",
    ),
    "two links change places": (
        "UPDATE audit_links SET position = 1000 + position WHERE position IN (6, 7);"
        "UPDATE audit_links SET position = 1013 - position WHERE position > 1000",
        "at position 6, was changed or moved",
    ),
    "a row is put in": (
        "INSERT INTO audit_events (at, event) VALUES (now(), 'signed-in'); DELETE FROM audit_pending",
        "has no place in the chain",
    ),
    "a link is taken away and its event kept": ("DELETE FROM audit_links WHERE position = 10", "was removed"),
    "the last checkpoint is removed": (
        "DELETE FROM audit_checkpoints WHERE position = 10",
        "no checkpoint vouches for position 9",
    ),
    "all checkpoints are removed": ("DELETE FROM audit_checkpoints", "all of them were taken away"),
    "the beginning is removed, not at a checkpoint": (
        "DELETE FROM audit_events USING audit_links WHERE id = event_id AND position < 3;"
        "DELETE FROM audit_links WHERE position < 3",
        "the chain begins at position 3, and no checkpoint vouches",
    ),
    "a checkpoint is forged": (
        "UPDATE audit_checkpoints SET signature = sha512('x') WHERE position = 8",
        "position 8 was not signed by its key",
    ),
    "a checkpoint is dated back": (
        "UPDATE audit_checkpoints SET at = at - interval '1 day' WHERE position = 8",
        "position 8 was not signed by its key",
    ),
    "a checkpoint is of a key of somebody else's": (
        "UPDATE audit_signing_keys SET sealed = sha512('x')",
        "is of a key that our sealing keys do not open",
    ),
}


@pytest.mark.requirement(62)
@pytest.mark.parametrize("what", TAMPERING)
async def test_whatever_is_done_to_the_log_is_found(own, log, what):
    statement, said = TAMPERING[what]
    await log.execute(statement)

    assert said in "\n".join(await faults(own))


@pytest.mark.requirement(62)
async def test_a_chain_that_was_made_anew_lacks_the_signatures(own, log):
    """As by somebody who may write to every table, and has no sealing key."""
    await log.execute("UPDATE audit_events SET caller = 'nobody' WHERE caller = 'user:2'")
    previous = bytes(32)
    for found in await audit_chain.page(own, 0, 100):
        made = link_of(previous, found.link.position, found.event)
        await log.execute("UPDATE audit_links SET hash = $2 WHERE position = $1", made.position, made.hash)
        previous = made.hash
    await log.execute(
        "UPDATE audit_checkpoints SET hash = audit_links.hash FROM audit_links"
        " WHERE audit_links.position = audit_checkpoints.position"
    )

    found = await faults(own)

    assert [text.split(" was ")[-1] for text in found] == ["not signed by its key"] * 3


@pytest.mark.requirement(62)
async def test_a_log_that_was_cut_off_or_put_back_is_found_by_what_was_noted_elsewhere(own, log):
    noted = (await verification(own).verdict()).last
    await log.execute(
        "DELETE FROM audit_checkpoints WHERE position > 8; DELETE FROM audit_links WHERE position > 8;"
        "DELETE FROM audit_events WHERE caller IN ('user:8', 'user:9')"
    )

    assert await faults(own) == []
    assert "the chain ends before position 10" in (await faults(own, noted))[0]
    assert "was made anew" in (await faults(own, Anchor(4, bytes(32))))[0]


@pytest.mark.requirement(62)
@pytest.mark.parametrize("statement", [
    "UPDATE audit_checkpoints SET hash = sha256('x') WHERE position = 10",
    "UPDATE audit_signing_keys SET sealed = sha512('x')",
    "INSERT INTO audit_links VALUES (11, 999999999, sha256('x'))",
])  # fmt: skip
async def test_the_chain_does_not_grow_on_what_was_tampered_with(own, log, statement):
    await log.execute(statement)
    await audit.add(own, AuditEvent.SIGNED_OUT, None, now())

    with pytest.raises(ChainBrokenError):
        await chaining(own).turn()

    assert await log.fetchval("SELECT count(*) FROM audit_pending") == 1
    assert await log.fetchval("SELECT max(position) FROM audit_checkpoints") == 10


@pytest.mark.requirement(62)
async def test_events_are_chained_once_whoever_comes_when(own, past, keys_database):
    """Five servers chain what five write, one of whom commits late; nobody waits for anybody."""
    slow = await asyncpg.connect(keys_database)
    late = slow.transaction()
    await late.start()
    await slow.execute("INSERT INTO audit_events (at, event) VALUES (now(), 'late')")

    async def write(number):
        for _ in range(10):
            await audit.add(own, AuditEvent.SIGNED_IN, None, now(), caller=f"user:{number}")
            await chaining(own, 3).turn()

    async with asyncio.timeout(30):
        await asyncio.gather(*(write(number) for number in range(5)))
    await chaining(own).turn()
    assert await past.fetchval("SELECT count(*) FROM audit_links") == 50
    await late.commit()
    await slow.close()
    await chaining(own).turn()

    verdict = await verification(own).verdict()
    assert (verdict.faults, verdict.events) == ([], 51)
    last = "SELECT event FROM audit_links JOIN audit_events ON id = event_id ORDER BY position DESC LIMIT 1"
    assert await past.fetchval(last) == "late"


@pytest.mark.requirement(62, 63)
async def test_what_has_had_its_time_goes_up_to_a_checkpoint_and_the_rest_verifies(own, log):
    await log.execute("DELETE FROM audit_events; DELETE FROM audit_links; DELETE FROM audit_checkpoints")
    for days in ((400, 300, 200, 100), (60, 50, 40, 39), (20, 10)):
        await chained_days_ago(own, *days)

    # Seven are old enough; the checkpoint vouches for four.
    assert await sweeps.audit_events(own, now() - timedelta(days=39, hours=1), 100) == 4

    verdict = await verification(own).verdict()
    assert (verdict.faults, verdict.first, verdict.events) == ([], 5, 6)
    assert now() - verdict.since > timedelta(days=59)
    await audit.add(own, AuditEvent.SIGNED_IN, None, now())
    assert await chaining(own).turn() == 1
    assert await faults(own) == []


@pytest.mark.requirement(62)
async def test_nobody_drops_what_is_younger_than_thirty_days(own, log):
    assert await sweeps.audit_events(own, now() + timedelta(days=900), 100) == 0
    await log.execute("DELETE FROM audit_events; DELETE FROM audit_links; DELETE FROM audit_checkpoints")
    for days in (31, 29):
        await chained_days_ago(own, days)

    assert await sweeps.audit_events(own, now(), 100) == 1


@pytest.mark.requirement(63)
async def test_a_batch_of_a_sweep_ends_at_the_next_checkpoint(own, log):
    await log.execute("DELETE FROM audit_events; DELETE FROM audit_links; DELETE FROM audit_checkpoints")
    for batch in (BATCH, BATCH, 2):
        await chained_days_ago(own, *[100] * batch)

    assert [await sweeps.audit_events(own, now(), 2) for _ in range(4)] == [4, 4, 2, 0]
    assert await faults(own) == []


@pytest.mark.requirement(63)
async def test_events_of_another_schema_go_as_well(database_url, owner_connection):
    await owner_connection.execute('CREATE SCHEMA "some where"')
    url = database_url + "&schema=some%20where"
    await migrate(url)

    async with connected(url, size=1) as elsewhere:
        await chained_days_ago(elsewhere, 100)
        assert await sweeps.audit_events(elsewhere, now(), 100) == 1

    await owner_connection.execute('DROP SCHEMA "some where" CASCADE')
