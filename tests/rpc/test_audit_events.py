"""The audit log as operators list it, and as services watch it grow."""

import asyncio
from uuid import UUID

import grpc
import pytest

from auth_server.app import running
from auth_server.auditing import audit_seal_of
from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.secrets import KeyRing
from auth_server.storage import audit, audit_chain
from auth_server.usecases import audit_reading
from gatepost.v1 import audit_service_pb2 as pb
from gatepost.v1.users_service_pb2 import DeleteUserRequest
from tests.audit import chained, now
from tests.conftest import key_ring
from tests.people import refused
from tests.services import a_service


@pytest.fixture
async def operator(people, sql):
    """An operator; nothing is in the log yet."""
    signed_in = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator'")
    await sql.execute("DELETE FROM audit_events; DELETE FROM audit_pending; DELETE FROM audit_links")
    await sql.execute("DELETE FROM audit_checkpoints")
    return signed_in


@pytest.fixture
async def basic(db):
    return (await a_service(db, "gatepost.v1.AuditService/WatchEvents")).basic


@pytest.fixture
async def watch(people, basic):
    """Opens a stream from a cursor on; it ends with the test."""
    opened = []

    def start(cursor=""):
        opened.append(people.audit.WatchEvents(pb.WatchEventsRequest(cursor=cursor), metadata=basic))
        return opened[-1]

    yield start
    for call in opened:
        call.cancel()


async def listed(people, operator, **fields):
    return await people.audit.ListEvents(pb.ListEventsRequest(**fields), metadata=operator.bearer)


async def some_events(db, sql, number, user_id=None, event=AuditEvent.SIGNED_IN):
    for each in range(number):
        await audit.add(db, event, user_id, now(), caller=f"service:{each}")
    await chained(db, sql)


async def next_of(stream):
    message = await asyncio.wait_for(stream.read(), 30)
    assert message is not grpc.aio.EOF
    return message


@pytest.mark.requirement(61)
async def test_an_event_says_what_it_was_done_to_where_that_is_no_user(people, db, sql, operator):
    await audit.add(db, AuditEvent.KEY_REVOKED, None, now(), caller="command", target="key:a")
    await some_events(db, sql, 1)

    without, event = (await listed(people, operator)).events

    assert (event.event, event.caller, event.target) == ("key-revoked", "command", "key:a")
    assert not without.HasField("target")


@pytest.mark.requirement(61)
async def test_an_event_says_who_did_what_when_where_and_with_what_result(people, db, sql, operator):
    with refused("CREDENTIALS_INVALID"):
        await people.login(operator.email, "wrong password")
    await chained(db, sql)

    [event] = (await listed(people, operator)).events

    assert (event.event, event.outcome, event.repeats) == ("refused", "CREDENTIALS_INVALID", 1)
    assert (event.user_id, event.email, event.address) == (operator.id, operator.email, "127.0.0.1")
    assert event.agent.startswith("grpc-python")
    assert (event.rpc, event.HasField("caller"), bool(event.request_id)) == ("AuthService/Login", False, True)
    assert abs(event.event_time.ToSeconds() - now().timestamp()) < 60
    assert len(bytes.fromhex(event.hash)) == 32


async def test_a_list_comes_page_by_page_the_newest_first(people, db, sql, operator):
    await some_events(db, sql, 5)

    pages, token = [], ""
    while not pages or token:
        answer = await listed(people, operator, page_size=2, page_token=token)
        pages.append([event.position for event in answer.events])
        token = answer.next_page_token

    assert pages == [[5, 4], [3, 2], [1]]


async def test_a_list_is_of_a_user_or_of_a_kind(people, db, sql, operator):
    user_id = UUID(operator.id)
    await some_events(db, sql, 2, user_id)
    await some_events(db, sql, 1, user_id, AuditEvent.SIGNED_OUT)
    await some_events(db, sql, 1)

    of_user = await listed(people, operator, user_id=operator.id)
    of_kind = await listed(people, operator, event="signed-in")
    of_both = await listed(people, operator, user_id=operator.id, event="signed-out")

    assert [len(answer.events) for answer in (of_user, of_kind, of_both)] == [3, 3, 1]
    token = (await listed(people, operator, page_size=1, event="signed-in")).next_page_token
    with refused("PAGE_TOKEN_INVALID"):
        await listed(people, operator, page_token=token, event="signed-out")


@pytest.mark.requirement(63)
async def test_of_an_erased_user_events_tell_ids_alone(people, db, sql, operator):
    ann = await people.signed_in()
    with refused("CREDENTIALS_INVALID"):
        await people.login(ann.email, "wrong password")

    await people.users.DeleteUser(DeleteUserRequest(id=ann.id), metadata=ann.bearer)
    await chained(db, sql)

    events = (await listed(people, operator, user_id=ann.id)).events
    assert [event.event for event in events] == ["user-deleted", "refused", "signed-in", "registered"]
    for event in events:
        assert not any(map(event.HasField, ("address", "agent", "email")))


@pytest.mark.requirement(61)
async def test_a_watcher_is_told_of_all_there_is_and_of_all_that_comes(people, db, sql, operator, watch, settings):
    await some_events(db, sql, 3)
    stream = watch()

    assert [(await next_of(stream)).event.position for _ in range(3)] == [1, 2, 3]
    await people.log_out(operator)
    async with running(settings):  # and nobody but the server lets the chain grow
        message = await next_of(stream)
        while not message.HasField("event"):
            message = await next_of(stream)

    assert (message.event.event, message.event.user_id) == ("signed-out", operator.id)


@pytest.mark.requirement(61)
async def test_a_cursor_goes_on_without_a_loss(db, sql, operator, watch):
    await some_events(db, sql, 3)
    stream = watch()
    cursors = [(await next_of(stream)).cursor for _ in range(3)]
    await some_events(db, sql, 2)

    for number, cursor in enumerate(cursors, start=1):
        again = watch(cursor)
        told = [(await next_of(again)).event.position for _ in range(5 - number)]
        assert told == list(range(number + 1, 6))


async def test_a_cursor_of_what_had_its_time_goes_on_with_what_is_left(db, sql, operator, watch):
    await some_events(db, sql, 3)
    stream = watch()
    first = (await next_of(stream)).cursor
    await sql.execute(
        "DELETE FROM audit_events USING audit_links WHERE id = event_id AND position < 3;"
        "DELETE FROM audit_links WHERE position < 3"
    )

    assert (await next_of(watch(first))).event.position == 3


async def test_a_cursor_goes_on_when_all_there_was_has_had_its_time(db, sql, operator, watch, monkeypatch):
    monkeypatch.setattr(audit_reading.AuditReading, "heartbeat_seconds", 0.1)
    await some_events(db, sql, 2)
    stream = watch()
    cursor = [(await next_of(stream)).cursor for _ in range(2)][-1]
    await sql.execute(
        "DELETE FROM audit_events; DELETE FROM audit_links; DELETE FROM audit_checkpoints WHERE position < 2"
    )
    again = watch(cursor)
    assert not (await next_of(again)).HasField("event")

    await some_events(db, sql, 1)

    assert (await next_of(again)).event.position == 3


@pytest.mark.requirement(61)
@pytest.mark.parametrize("events_since", [0, 1, 3])
async def test_a_stream_ends_where_the_log_was_put_back(db, sql, operator, watch, monkeypatch, events_since):
    """Else it would pass over in silence what took the place of events that it had told of."""
    monkeypatch.setattr(audit_reading.AuditReading, "heartbeat_seconds", 0.1)
    await some_events(db, sql, 2)
    stream = watch()
    for _ in range(2):
        await next_of(stream)
    held = f"SELECT pg_advisory_xact_lock({audit_chain.LOCK});"
    await sql.execute(f"{held} DELETE FROM audit_events; DELETE FROM audit_links; DELETE FROM audit_checkpoints")
    await some_events(db, sql, events_since, event=AuditEvent.SIGNED_OUT)

    with refused("EVENT_CURSOR_INVALID", grpc.StatusCode.INVALID_ARGUMENT):
        while not (await next_of(stream)).HasField("event"):
            pass


@pytest.mark.requirement(11)
async def test_a_cursor_that_is_none_or_of_another_log_is_refused(db, sql, operator, watch):
    await some_events(db, sql, 2)
    cursor = (await next_of(watch())).cursor
    other = cursor[:-1] + ("0" if cursor[-1] != "0" else "1")

    for wrong in ("x", "1-0123abct1-7f", other, "1-ff-" + "0" * 16):
        with refused("EVENT_CURSOR_INVALID", grpc.StatusCode.INVALID_ARGUMENT):
            await next_of(watch(wrong))


async def test_a_silent_stream_has_signs_of_life(operator, watch, monkeypatch):
    monkeypatch.setattr(audit_reading.AuditReading, "heartbeat_seconds", 0.1)
    message = await next_of(watch())

    assert not message.HasField("event")


async def test_a_server_that_stops_ends_the_streams(db, sql, operator):
    stopping = []
    reading = audit_reading.AuditReading(
        db, audit_seal_of(KeyRing.of(key_ring("seal"))), b"", lambda: bool(stopping), poll_seconds=0.01
    )
    await some_events(db, sql, 1)
    stream = await reading.watch("")
    assert (await anext(stream)).event.link.position == 1

    stopping.append(True)

    with pytest.raises(audit_reading.ServerStoppingError):
        await anext(stream)
