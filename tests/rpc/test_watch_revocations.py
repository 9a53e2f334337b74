import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg
import grpc
import pytest

from auth_server.interceptors import guards
from auth_server.storage.services import revoke
from auth_server.usecases import services
from gatepost.v1 import token_service_pb2 as pb
from gatepost.v1.users_service_pb2 import DeleteUserRequest
from tests.people import reason_of, refused
from tests.services import a_service
from tests.streams import Stream
from tests.waiting import at_most

BOUND_SECONDS = 1.0
LONG = timedelta(minutes=30)


@pytest.mark.requirement(43, 45)
async def test_a_revocation_is_told_within_a_second(people, watch, sign_in_of):
    ann = await people.signed_in()
    sign_in = await sign_in_of(ann.id)
    stream = watch()
    await stream.until("in_sync")

    await people.log_out(ann)
    began = time.monotonic()

    assert await stream.until(("sign_in_id", sign_in, "REASON_LOGOUT"))
    assert time.monotonic() - began < at_most(BOUND_SECONDS)


@pytest.mark.requirement(45)
async def test_a_revocation_is_told_within_a_second_without_notifications(people, watch, sign_in_of, sql):
    """As behind a pooler that passes none on: the poll is the net."""
    ann = await people.signed_in()
    sign_in = await sign_in_of(ann.id)
    stream = watch()
    await stream.until("in_sync")

    await sql.execute(
        "INSERT INTO revocations (subject, subject_id, reason, revoked_at) VALUES ('sign_in', $1, 'ended', now())",
        sign_in,
    )
    began = time.monotonic()

    assert await stream.until(("sign_in_id", sign_in, "REASON_ENDED"))
    assert time.monotonic() - began < at_most(BOUND_SECONDS)


@pytest.mark.requirement(45)
async def test_a_deleted_user_is_told_with_their_sign_ins(people, watch, sign_in_of):
    ann = await people.signed_in()
    sign_in = await sign_in_of(ann.id)
    stream = watch()
    await stream.until("in_sync")

    await people.users.DeleteUser(DeleteUserRequest(id=ann.id), metadata=ann.bearer)

    assert await stream.until(("sign_in_id", sign_in, "REASON_USER_DELETED"))
    stream = watch()
    assert ("user_id", ann.id, "REASON_USER_DELETED") in await stream.until("in_sync")


@pytest.mark.requirement(45)
async def test_without_a_cursor_all_comes_that_still_matters(people, watch, sign_in_of, sql):
    young, old = [await people.signed_in() for _ in range(2)]
    ids = [await sign_in_of(each.id) for each in (young, old)]
    for each in (young, old):
        await people.log_out(each)
    await sql.execute("UPDATE revocations SET revoked_at = now() - $2::interval WHERE subject_id = $1", ids[1], LONG)

    seen = await watch().until("in_sync")

    assert ("sign_in_id", ids[0], "REASON_LOGOUT") in seen
    assert ids[1] not in [what[1] for what in seen]


@pytest.mark.requirement(45)
async def test_a_cursor_of_any_message_goes_on_without_a_loss(people, watch, sign_in_of):
    stream = watch()
    await stream.until("in_sync")
    expected = {}
    for _ in range(3):
        cursor = stream.cursor
        ann = await people.signed_in()
        sign_in = await sign_in_of(ann.id)
        await people.log_out(ann)
        await stream.until(("sign_in_id", sign_in, "REASON_LOGOUT"))
        expected[cursor] = ("sign_in_id", sign_in, "REASON_LOGOUT")

    for number, cursor in enumerate(expected):
        seen = await watch(cursor).until("in_sync")

        assert set(seen) >= set(list(expected.values())[number:])
    assert await watch(stream.cursor).next() == "in_sync"


@pytest.mark.requirement(45)
async def test_entries_that_are_committed_in_reversed_order_are_all_told(people, watch, database_url, basic):
    stream = watch()
    await stream.until("in_sync")
    slow, fast = [await asyncpg.connect(database_url) for _ in range(2)]
    entry = "SELECT log_revocation('key', $1, 'key revoked', now())"
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(entry, "slow")
    await fast.execute(entry, "fast")
    await stream.until(("key_id", "fast", "REASON_KEY_REVOKED"))
    between = stream.cursor

    await transaction.commit()

    assert await stream.next() == ("key_id", "slow", "REASON_KEY_REVOKED")
    assert await watch(between).until("in_sync") == [("key_id", "slow", "REASON_KEY_REVOKED"), "in_sync"]
    for connection in (slow, fast):
        await connection.close()


@pytest.mark.slow
async def test_a_silent_stream_has_a_heartbeat(watch):
    stream = watch()
    await stream.until("in_sync")

    await stream.until("heartbeat")

    assert await watch(stream.cursor).next() == "in_sync"


async def test_a_cursor_of_another_database_begins_anew(people, watch, sign_in_of):
    ann = await people.signed_in()
    sign_in = await sign_in_of(ann.id)
    await people.log_out(ann)

    seen = await watch("1-0123abct1-7fffffffffffffff").until("in_sync")

    assert ("sign_in_id", sign_in, "REASON_LOGOUT") in seen


@pytest.mark.requirement(45)
async def test_a_cursor_from_before_the_log_was_put_back_begins_anew(people, watch, sign_in_of):
    """A copy of the database's files is the same cluster, and counts its transactions anew."""
    ann = await people.signed_in()
    sign_in = await sign_in_of(ann.id)
    await people.log_out(ann)
    stream = watch()
    await stream.until("in_sync")
    version, log, *_ = stream.cursor.split("-")

    seen = await watch(f"{version}-{log}-7fffffffffffffff").until("in_sync")

    assert ("sign_in_id", sign_in, "REASON_LOGOUT") in seen


@pytest.mark.requirement(11)
@pytest.mark.parametrize("cursor", ["x", "1-a", "1-a-ffffffffffffffff", "2-a-1", "1-A-1", "1-a-1-"])
async def test_a_cursor_that_is_none_is_refused(watch, cursor):
    with refused("REVOCATION_CURSOR_INVALID", grpc.StatusCode.INVALID_ARGUMENT):
        await watch(cursor).next()


@pytest.mark.requirement(45)
async def test_a_stream_goes_on_over_a_lost_connection_to_the_database(people, watch, sign_in_of, sql):
    ann = await people.signed_in()
    sign_in = await sign_in_of(ann.id)
    stream = watch()
    await stream.until("in_sync")
    await sql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatepost revocations'"
    )

    await people.log_out(ann)

    assert await stream.until(("sign_in_id", sign_in, "REASON_LOGOUT"))


async def test_a_stream_that_its_caller_cancels_is_one_line_in_the_log(watch, caplog):
    caplog.set_level("INFO")
    stream = watch()
    await stream.until("in_sync")

    stream.call.cancel()
    for _ in range(50):
        await asyncio.sleep(0.02)
        lines = [record for record in caplog.records if getattr(record, "rpc", "").endswith("/WatchRevocations")]
        if lines:
            break

    assert [line.code for line in lines] == ["CANCELLED"]
    assert lines[0].service.startswith("service-")


async def test_the_callers_deadline_ends_a_stream(people, basic):
    call = people.tokens.WatchRevocations(pb.WatchRevocationsRequest(), metadata=basic, timeout=0.3)

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await Stream(call).until("never")

    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_the_channel_of_the_gateway_has_no_streams(server, basic):
    call = server.channel.unary_unary("/gatepost.v1.TokenService/WatchRevocations")

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call(pb.WatchRevocationsRequest(), metadata=basic)

    assert reason_of(error.value) == "RPC_NOT_FOUND"


@pytest.mark.requirement(2)
async def test_a_service_that_is_revoked_loses_its_stream(db, people, monkeypatch):
    monkeypatch.setattr(guards, "RECHECK_SECONDS", 0.1)
    monkeypatch.setattr(services, "REMEMBERED_SECONDS", 0)
    service = await a_service(db, "gatepost.v1.TokenService/WatchRevocations")
    stream = Stream(people.tokens.WatchRevocations(pb.WatchRevocationsRequest(), metadata=service.basic))
    await stream.until("in_sync")

    await revoke(db, service.name, datetime.now(UTC))

    with refused("SERVICE_CREDENTIAL_INVALID", grpc.StatusCode.UNAUTHENTICATED):
        await stream.until("never")
