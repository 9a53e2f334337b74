"""What is verified beside the chain itself: its two ends, what stands beside it, and the keys to what is personal."""

from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from auth_server.domain.audit_chain import Anchor
from auth_server.domain.audit_events import About, AuditEvent, Origin, current_origin
from auth_server.domain.clients import Client
from auth_server.storage import audit, sweeps
from auth_server.usecases import audit_verification
from auth_server.usecases.audit_verification import AuditVerification
from tests.audit import KEYS, SEAL, chaining, now, verification


class SweptMeanwhile:
    """A database that is swept behind the third statement that reads it as of one moment."""

    def __init__(self, own):
        self._own = own

    async def snapshot(self, work):
        async def read(db):
            statements = 0

            class Reading:
                fetchrow = db.fetchrow

                @staticmethod
                async def fetch(sql, *arguments):
                    nonlocal statements
                    statements += 1
                    if statements == 3:
                        assert await sweeps.audit_events(outer, now(), 100) == 4
                    return await db.fetch(sql, *arguments)

            return await work(Reading())

        outer = self._own
        return await outer.snapshot(read)


BEGINNING_UP_TO_8 = (
    "DELETE FROM audit_events USING audit_links WHERE id = event_id AND position <= 8;"
    "DELETE FROM audit_links WHERE position <= 8; DELETE FROM audit_checkpoints WHERE position < 8"
)
EVERYTHING_BUT_THE_LAST_CHECKPOINT = (
    "DELETE FROM audit_events; DELETE FROM audit_links; DELETE FROM audit_checkpoints WHERE position < 10"
)


async def faults(own, *anchors):
    return (await verification(own).verdict(anchors)).faults


async def wait_days(own, days):
    """What is said of the log so many days later."""
    later = AuditVerification(own, KEYS, SEAL, lambda: now() + timedelta(days=days))
    return (await later.verdict()).faults


@pytest.mark.requirement(62)
@pytest.mark.parametrize("statement", [BEGINNING_UP_TO_8, EVERYTHING_BUT_THE_LAST_CHECKPOINT])
async def test_a_beginning_that_was_removed_before_its_time_is_found(own, log, statement):
    """Up to a genuine checkpoint, as a sweep would."""
    await log.execute(statement)

    [fault] = await faults(own)

    assert "was removed before its time: its checkpoint is of" in fault
    assert await wait_days(own, 29) == [fault]
    assert await wait_days(own, 31) == []


@pytest.mark.requirement(62)
async def test_what_was_chained_lately_is_not_dropped_however_old_it_says_it_is(own, log):
    """Else whoever may add events could have a server forget those before them."""
    await log.execute("DELETE FROM audit_events; DELETE FROM audit_links; DELETE FROM audit_checkpoints")
    await audit.add(own, AuditEvent.SIGNED_IN, None, now() - timedelta(days=400))
    await chaining(own).turn()

    assert await sweeps.audit_events(own, now(), 100) == 0


@pytest.mark.requirement(62)
async def test_a_log_that_was_emptied_whole_is_found_by_the_key_that_is_left(own, log):
    await log.execute("DELETE FROM audit_events; DELETE FROM audit_links; DELETE FROM audit_checkpoints")

    assert await faults(own) == ["no checkpoint vouches for anything: all of them were taken away"]


@pytest.mark.requirement(62)
async def test_nothing_hides_before_the_first_place(own, log):
    await log.execute("INSERT INTO audit_events (at, event) VALUES (now(), 'hidden'); DELETE FROM audit_pending")
    hide = "INSERT INTO audit_links SELECT -1, max(id), sha256('x') FROM audit_events"
    with pytest.raises(asyncpg.CheckViolationError):
        await log.execute(hide)
    constraint = "CONSTRAINT audit_links_position_check"
    await log.execute(f"ALTER TABLE audit_links DROP {constraint}")
    await log.execute(hide)

    assert "1 links or checkpoints stand before position 1" in (await faults(own))[0]
    await log.execute("DELETE FROM audit_links WHERE position < 1")
    await log.execute(f"ALTER TABLE audit_links ADD {constraint} CHECK (position > 0) NOT VALID")


@pytest.mark.requirement(62)
@pytest.mark.parametrize("time", ["infinity", "-infinity", "4000-01-01 BC", "20000-01-01", "1969-12-31 23:59+00"])
async def test_no_time_that_servers_cannot_read_keeps_others_out_of_the_chain(own, past, time):
    with pytest.raises(asyncpg.CheckViolationError):
        await past.execute(f"INSERT INTO audit_events (at, event) VALUES ('{time}', 'odd')")


@pytest.mark.requirement(62)
@pytest.mark.parametrize(("minutes", "is_fault"), [(-6, True), (-4, False), (4, False), (6, True)])
async def test_an_event_that_waits_for_its_place_for_long_or_is_yet_to_happen_is_found(own, past, minutes, is_fault):
    await audit.add(own, AuditEvent.SIGNED_IN, None, now() + timedelta(minutes=minutes))

    assert ["1 events have been waiting" in text for text in await faults(own)] == [True] * is_fault


@pytest.mark.requirement(62)
async def test_what_was_noted_of_before_the_beginning_proves_nothing_and_is_counted(own, log):
    await log.execute(BEGINNING_UP_TO_8)
    boundary = Anchor(8, await log.fetchval("SELECT hash FROM audit_checkpoints WHERE position = 8"))

    verdict = await verification(own).verdict([Anchor(4, bytes(32)), boundary])

    assert verdict.unproven == 1
    assert any("position 8 is not what was noted" in text for text in await faults(own, Anchor(8, bytes(32))))


@pytest.mark.requirement(62)
async def test_a_sweep_in_the_middle_of_a_verification_raises_no_alarm(own, log, monkeypatch):
    await log.execute("DELETE FROM audit_events; DELETE FROM audit_links; DELETE FROM audit_checkpoints")
    for _ in range(4):
        await audit.add(own, AuditEvent.SIGNED_IN, None, now() - timedelta(days=100))
        await chaining(own, clock=lambda: now() - timedelta(days=100)).turn()
    monkeypatch.setattr(audit_verification, "PAGE", 1)

    verdict = await verification(SweptMeanwhile(own)).verdict()

    assert (verdict.faults, verdict.events) == ([], 4)
    assert await log.fetchval("SELECT count(*) FROM audit_events") == 0


# What is done to the keys of a user who is there, and what is said of it.
KEYLESS = {
    "DELETE FROM audit_keys": "of user {} came from was taken away, from position 1 on",
    "UPDATE audit_keys SET sealed = sha512('x')": "at position 1, came from cannot be read: its key was replaced",
}


@pytest.mark.requirement(62, 63)
@pytest.mark.parametrize("statement", KEYLESS)
async def test_a_key_that_was_taken_from_somebody_who_is_no_erased_user_is_found(own, past, statement):
    ann = await a_signed_in_user(own, past)
    assert await faults(own) == []

    await past.execute(statement)

    assert KEYLESS[statement].format(ann) in (await faults(own))[0]
    await past.execute("DELETE FROM users")
    await audit.add(own, AuditEvent.USER_DELETED, ann, now())
    await chaining(own).turn()
    assert await faults(own) == []


@pytest.mark.requirement(63)
async def test_a_user_who_comes_again_by_an_import_under_the_id_of_before_is_no_fault(own, past):
    ann = await a_signed_in_user(own, past)
    await past.execute("DELETE FROM users")
    await audit.add(own, AuditEvent.USER_DELETED, ann, now())
    await a_signed_in_user(own, past, ann)

    assert await faults(own) == []
    await past.execute("DELETE FROM users")


@pytest.mark.requirement(62, 63)
async def test_a_key_of_the_day_that_has_had_its_time_is_no_fault(own, past):
    """As of a service that dropped mails of a user, and of an address that is nobody's."""
    ann = await a_signed_in_user(own, past)
    with served(lambda: ("service:billing", None)):
        about = [About(ann, "mail:1"), About(None, "mail:2")]
        await own.transaction(lambda db: audit.record_each(db, AuditEvent.MAIL_DROPPED, about, now()))
    await chaining(own).turn()
    assert await past.fetchval("SELECT count(*) FROM audit_events WHERE sealed IS NOT NULL") == 3

    await past.execute("DELETE FROM audit_keys WHERE user_id IS NULL")

    assert await faults(own) == []
    await past.execute("DELETE FROM users")


@contextmanager
def served(caller_of):
    """A request of this caller is served meanwhile."""
    client = Client("192.0.2.1", "agent")
    before = current_origin.set(Origin("a", "AuthService/Login", caller_of, lambda: client, SEAL))
    yield
    current_origin.reset(before)


async def a_signed_in_user(own, past, user_id=None):
    """The id of a user of whom the log tells that they signed in, and from where."""
    ann = user_id or uuid4()
    await past.execute("INSERT INTO users (id, created_at, updated_at) VALUES ($1, now(), now())", ann)
    with served(lambda: (f"user:{ann}", ann)):
        await own.transaction(lambda db: audit.record(db, AuditEvent.SIGNED_IN, ann, now()))
    await chaining(own).turn()
    return ann


@pytest.mark.requirement(62)
async def test_a_server_that_runs_tells_when_the_log_is_cut_off_or_put_back(own, log, caplog):
    """Else somebody with the database alone has it sign another end, of events that they changed and queued again."""
    await log.execute("DELETE FROM audit_links; DELETE FROM audit_checkpoints; DELETE FROM audit_events")
    server = chaining(own)
    ends = []
    for _ in range(2):
        await audit.add(own, AuditEvent.SIGNED_IN, None, now())
        await server.turn()
        ends.append(str((await verification(own).verdict()).last))
    assert not told_of(caplog)

    await log.execute(
        "DELETE FROM audit_links WHERE position > 1; DELETE FROM audit_checkpoints WHERE position > 1;"
        "UPDATE audit_events SET event = 'signed-out' WHERE id = (SELECT max(id) FROM audit_events);"
        "INSERT INTO audit_pending SELECT max(id) FROM audit_events"
    )
    await server.turn()

    assert told_of(caplog) == ends[1:]
    assert await faults(own) == []
    assert "was made anew" in (await faults(own, Anchor.of(ends[1])))[0]
    await audit.add(own, AuditEvent.SIGNED_IN, None, now())
    await server.turn()
    assert len(told_of(caplog)) == 1


@pytest.mark.requirement(62)
async def test_a_server_tells_of_another_end_though_others_have_let_it_grow_since(own, log, caplog):
    await log.execute("DELETE FROM audit_links; DELETE FROM audit_checkpoints; DELETE FROM audit_events")
    server = chaining(own)
    await audit.add(own, AuditEvent.SIGNED_IN, None, now())
    await server.turn()
    await log.execute("DELETE FROM audit_links; DELETE FROM audit_checkpoints; DELETE FROM audit_events")
    for _ in range(2):
        await audit.add(own, AuditEvent.SIGNED_OUT, None, now())
        await chaining(own).turn()

    await audit.add(own, AuditEvent.SIGNED_OUT, None, now())
    await server.turn()

    assert len(told_of(caplog)) == 1


def told_of(caplog):
    return [each.checkpoint for each in caplog.records if "cut off or put back" in each.message]
