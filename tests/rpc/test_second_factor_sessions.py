"""NextAuth's sessions of users with a second factor begin by a code of it, and by no other way."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gatepost.v1 import adapter_service_pb2 as pb
from tests.challenges import recovery_codes_of
from tests.people import refused
from tests.second_factors import turned_on, wrong
from tests.throttled import SMALL, Client
from tests.waiting import backends_that_wait


@pytest.fixture
async def ann(people):
    return await people.a_user()


@pytest.fixture
async def app(ann, sql, settings, clock):
    return await turned_on(sql, settings, clock, ann.id)


async def create(people, user_id, code=None):
    expires = Timestamp(seconds=int((datetime.now(UTC) + timedelta(days=1)).timestamp()))
    request = pb.CreateSessionRequest(session_token=secrets.token_hex(32), user_id=user_id, expires=expires, code=code)
    return (await people.adapter.CreateSession(request, metadata=people.secret)).session


async def move(people, session, user_id):
    request = pb.UpdateSessionRequest(session_token=session.session_token, user_id=user_id)
    return await people.adapter.UpdateSession(request, metadata=people.secret)


async def sessions_of(sql, user_id):
    return await sql.fetch("SELECT methods FROM sessions WHERE user_id::text = $1", user_id)


@pytest.mark.requirement(31)
@pytest.mark.parametrize("code", [None, ""])
async def test_a_session_without_a_code_is_refused(people, ann, app, sql, code):
    with refused("SECOND_FACTOR_REQUIRED", grpc.StatusCode.PERMISSION_DENIED):
        await create(people, ann.id, code)

    assert await sessions_of(sql, ann.id) == []
    assert await sql.fetchval("SELECT user_id::text FROM audit_events WHERE event = 'refused'") == ann.id


@pytest.mark.requirement(31)
async def test_a_session_by_a_code_remembers_it_and_spends_the_code(people, ann, app, sql):
    code = app.next_code()

    session = await create(people, ann.id, code)

    assert session.user_id == ann.id
    assert [row["methods"] for row in await sessions_of(sql, ann.id)] == [["otp", "mfa"]]
    with refused("SECOND_FACTOR_INVALID", grpc.StatusCode.UNAUTHENTICATED):
        await create(people, ann.id, code)


async def test_a_recovery_code_makes_one_session(people, ann, app, sql):
    code = (await recovery_codes_of(sql, ann.id, app))[0]

    await create(people, ann.id, code)

    with refused("SECOND_FACTOR_INVALID"):
        await create(people, ann.id, code)


@pytest.mark.requirement(30)
async def test_a_session_that_is_refused_for_its_token_spends_no_code(people, ann, app):
    session, code = await create(people, ann.id, app.next_code()), app.next_code()
    request = pb.CreateSessionRequest(session_token=session.session_token, user_id=ann.id, code=code)
    request.expires.CopyFrom(session.expires)

    with refused("SESSION_TOKEN_TAKEN"):
        await people.adapter.CreateSession(request, metadata=people.secret)

    assert (await create(people, ann.id, code)).user_id == ann.id


async def test_a_code_for_a_user_without_a_second_factor_is_not_looked_at(people, ann, sql):
    await create(people, ann.id, "000000")

    assert [row["methods"] for row in await sessions_of(sql, ann.id)] == [[]]


@pytest.mark.requirement(31)
async def test_a_session_is_not_moved_to_a_user_with_a_second_factor(people, ann, app, sql):
    bob = await people.a_user()
    session = await create(people, bob.id)

    with refused("SECOND_FACTOR_REQUIRED"):
        await move(people, session, ann.id)

    assert await sessions_of(sql, ann.id) == []
    assert len(await sessions_of(sql, bob.id)) == 1


@pytest.mark.requirement(31)
async def test_the_second_factor_of_one_user_stands_for_no_other(people, ann, app, sql):
    bob = await people.a_user()
    session = await create(people, ann.id, app.next_code())

    await move(people, session, bob.id)

    assert [row["methods"] for row in await sessions_of(sql, bob.id)] == [[]]
    with refused("SECOND_FACTOR_REQUIRED"):
        await move(people, session, ann.id)


async def test_a_session_stays_its_own_users(people, ann, app, sql):
    session = await create(people, ann.id, app.next_code())

    assert (await move(people, session, ann.id)).session.user_id == ann.id

    assert [row["methods"] for row in await sessions_of(sql, ann.id)] == [["otp", "mfa"]]


async def test_a_session_that_is_none_is_absent_whoever_is_to_have_it(people, ann, app):
    session = await create(people, (await people.a_user()).id)
    await people.adapter.DeleteSession(
        pb.DeleteSessionRequest(session_token=session.session_token), metadata=people.secret
    )

    assert not (await move(people, session, ann.id)).HasField("session")


@pytest.mark.requirement(31)
@pytest.mark.parametrize("way", ["made", "moved"])
async def test_a_session_while_the_second_factor_is_turned_on_waits_for_it(people, ann, sql, settings, clock, way):
    session = await create(people, (await people.a_user()).id)
    held = sql.transaction()
    await held.start()
    await turned_on(sql, settings, clock, ann.id)
    asked = asyncio.ensure_future(create(people, ann.id) if way == "made" else move(people, session, ann.id))
    await backends_that_wait(sql)
    await held.commit()

    with refused("SECOND_FACTOR_REQUIRED"):
        await asked

    assert await sessions_of(sql, ann.id) == []


@pytest.mark.requirement(30)
async def test_codes_for_sessions_are_guessed_in_small_number(throttled, people, ann, app):
    client, code = Client(throttled[0]), app.next_code()
    expires = Timestamp(seconds=int((datetime.now(UTC) + timedelta(days=1)).timestamp()))

    async def outcome(code):
        request = pb.CreateSessionRequest(
            session_token=secrets.token_hex(32), user_id=ann.id, expires=expires, code=code
        )
        return await client.outcome_of("AdapterService/CreateSession", request, people.secret)

    guesses = [await outcome(wrong(code)) for _ in range(SMALL["second_factor.account"])]

    assert guesses == ["SECOND_FACTOR_INVALID"] * len(guesses)
    assert await outcome(code) == "THROTTLED"
    assert await outcome(None) == "SECOND_FACTOR_REQUIRED"  # which guesses nothing
