import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from gatepost.v1 import adapter_service_pb2 as pb
from tests.people import refused

NOBODY = "01890000-0000-7000-8000-000000000000"


async def find(people, token):
    answer = await people.adapter.GetSessionAndUser(
        pb.GetSessionAndUserRequest(session_token=token), metadata=people.secret
    )
    return answer.session_and_user if answer.HasField("session_and_user") else None


async def update(people, **fields):
    answer = await people.adapter.UpdateSession(pb.UpdateSessionRequest(**fields), metadata=people.secret)
    return answer.session if answer.HasField("session") else None


async def delete(people, token):
    answer = await people.adapter.DeleteSession(pb.DeleteSessionRequest(session_token=token), metadata=people.secret)
    return answer.session if answer.HasField("session") else None


async def test_a_session_comes_back_with_its_user(people):
    user = await people.a_user()
    session = await people.a_session(user.id)

    found = await find(people, session.session_token)

    assert (found.session, found.user) == (session, user)


@pytest.mark.requirement(58)
async def test_a_sessions_token_is_not_stored(people, sql):
    user = await people.a_user()
    session = await people.a_session(user.id)

    row = await sql.fetchrow("SELECT sessions::text AS text FROM sessions")

    assert session.session_token not in row["text"]
    assert session.session_token.encode().hex() not in row["text"]


@pytest.mark.parametrize("token", ["", "none", "\0", "é" * 100, "x" * 16_000])
async def test_tokens_of_any_spelling_are_looked_up(people, token):
    assert await find(people, token) is None
    assert await delete(people, token) is None


async def test_a_taken_token_is_refused(people):
    user = await people.a_user()
    session = await people.a_session(user.id)
    request = pb.CreateSessionRequest(session_token=session.session_token, user_id=user.id, expires=session.expires)

    with refused("SESSION_TOKEN_TAKEN", grpc.StatusCode.ALREADY_EXISTS):
        await people.adapter.CreateSession(request, metadata=people.secret)


@pytest.mark.parametrize("user_id", [NOBODY, "1"])
async def test_a_session_of_nobody_is_refused(people, user_id):
    with refused("USER_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await people.a_session(user_id)


async def test_an_expired_session_is_absent(people, clock):
    user = await people.a_user()
    session = await people.a_session(user.id, timedelta(hours=1))

    clock.advance(timedelta(hours=1))

    assert await find(people, session.session_token) is None


async def test_an_update_changes_the_end_alone(people):
    user = await people.a_user()
    session = await people.a_session(user.id)
    expires = datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)

    changed = await update(people, session_token=session.session_token, expires=expires)

    assert changed.expires.ToDatetime(UTC) == expires
    assert (changed.id, changed.user_id) == (session.id, user.id)


async def test_an_update_may_change_the_user(people):
    first, second = await people.a_user(), await people.a_user()
    session = await people.a_session(first.id)

    changed = await update(people, session_token=session.session_token, user_id=second.id)

    assert changed.user_id == second.id
    assert (await find(people, session.session_token)).user == second


async def test_an_update_to_nobody_is_refused(people):
    session = await people.a_session((await people.a_user()).id)

    with refused("USER_NOT_FOUND"):
        await update(people, session_token=session.session_token, user_id=NOBODY)


async def test_an_update_never_revives_a_session(people, clock):
    user = await people.a_user()
    deleted, expired = await people.a_session(user.id), await people.a_session(user.id, timedelta(hours=1))
    await delete(people, deleted.session_token)
    clock.advance(timedelta(hours=1))
    later = datetime.now(UTC) + timedelta(days=30)

    assert await update(people, session_token=deleted.session_token, expires=later) is None
    assert await update(people, session_token=expired.session_token, expires=later) is None
    assert await find(people, expired.session_token) is None


async def test_of_many_who_delete_a_session_one_gets_it(people):
    session = await people.a_session((await people.a_user()).id)

    answers = await asyncio.gather(*(delete(people, session.session_token) for _ in range(10)))

    assert [answer for answer in answers if answer] == [session]


async def test_a_deleted_session_never_comes_back_from_a_race(people):
    user = await people.a_user()
    later = datetime.now(UTC) + timedelta(days=30)
    for _ in range(10):
        session = await people.a_session(user.id)

        await asyncio.gather(
            delete(people, session.session_token),
            *(update(people, session_token=session.session_token, expires=later) for _ in range(5)),
        )

        assert await find(people, session.session_token) is None


async def test_a_disabled_users_session_is_absent(people, sql):
    session = await people.a_session((await people.a_user()).id)
    await sql.execute("UPDATE users SET disabled_at = now()")

    assert await find(people, session.session_token) is None
