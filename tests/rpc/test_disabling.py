"""A disabled user is signed in nowhere, and gets in nowhere."""

import asyncio

import asyncpg
import grpc
import pytest

from gatepost.v1 import auth_service_pb2, users_service_pb2
from gatepost.v1.adapter_service_pb2 import CreateSessionRequest, GetSessionAndUserRequest, UpdateSessionRequest
from gatepost.v1.session_service_pb2 import ListSignInsRequest
from gatepost.v1.token_service_pb2 import IntrospectRequest
from tests.people import refused
from tests.waiting import at_most


@pytest.fixture
async def operator(people, sql):
    one = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator' WHERE id::text = $1", one.id)
    return one


@pytest.fixture
def disable(people, operator):
    async def call(user_id):
        await people.users.DisableUser(users_service_pb2.DisableUserRequest(id=user_id), metadata=operator.bearer)

    return call


@pytest.fixture
def enable(people, operator):
    async def call(user_id):
        await people.users.EnableUser(users_service_pb2.EnableUserRequest(id=user_id), metadata=operator.bearer)

    return call


async def session_of(people, token):
    request = GetSessionAndUserRequest(session_token=token)
    answer = await people.adapter.GetSessionAndUser(request, metadata=people.secret)
    return answer.session_and_user if answer.HasField("session_and_user") else None


async def refresh(people, ann):
    return await people.auth.RefreshTokens(auth_service_pb2.RefreshTokensRequest(), metadata=ann.refresh)


@pytest.mark.requirement(45)
async def test_disabling_a_user_ends_all_that_they_have_at_every_door(people, basic, disable, mailbox):
    ann = await people.signed_in()
    await mailbox.verify(people)
    session = await people.a_session(ann.id)
    await people.an_account(ann.id)

    await disable(ann.id)

    with refused("ACCESS_TOKEN_INVALID"):
        await people.users.GetUser(users_service_pb2.GetUserRequest(id=ann.id), metadata=ann.bearer)
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, ann)
    assert not (await people.tokens.Introspect(IntrospectRequest(token=ann.access_token), metadata=basic)).active
    assert await session_of(people, session.session_token) is None
    with refused("CREDENTIALS_INVALID"):
        await people.login(ann.email)
    with refused("OAUTH_LOGIN_REFUSED"):
        await people.auth.OAuthLogin(auth_service_pb2.OAuthLoginRequest(email=ann.email), metadata=people.secret)


@pytest.mark.requirement(45)
async def test_a_disabled_user_gets_no_nextauth_session(people, disable, enable):
    ann, bob = await people.signed_in(), await people.a_user()
    bobs = await people.a_session(bob.id)
    await disable(ann.id)

    with refused("USER_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await people.a_session(ann.id)
    request = UpdateSessionRequest(session_token=bobs.session_token, user_id=ann.id)
    assert not (await people.adapter.UpdateSession(request, metadata=people.secret)).HasField("session")
    await enable(ann.id)

    assert (await session_of(people, bobs.session_token)).user.id == bob.id
    assert await people.a_session(ann.id)


@pytest.mark.requirement(45)
async def test_enabling_a_user_brings_nothing_back(people, disable, enable):
    ann = await people.signed_in()
    session = await people.a_session(ann.id)
    await disable(ann.id)

    await enable(ann.id)

    with refused("ACCESS_TOKEN_INVALID"):
        await people.users.GetUser(users_service_pb2.GetUserRequest(id=ann.id), metadata=ann.bearer)
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, ann)
    assert await session_of(people, session.session_token) is None
    again = await people.login(ann.email)
    assert len((await people.sessions.ListSignIns(ListSignInsRequest(user_id=ann.id), metadata=again.bearer)).sign_ins)


async def test_disabling_and_enabling_twice_changes_nothing(people, disable, enable, sql):
    ann = await people.signed_in()
    row = "SELECT disabled_at, updated_at FROM users WHERE id::text = $1"

    await disable(ann.id)
    first = await sql.fetchrow(row, ann.id)
    await disable(ann.id)
    assert await sql.fetchrow(row, ann.id) == first
    await enable(ann.id)
    first = await sql.fetchrow(row, ann.id)
    await enable(ann.id)

    assert await sql.fetchrow(row, ann.id) == first
    assert first["disabled_at"] is None


@pytest.mark.parametrize("user_id", ["x", "01890000-0000-7000-8000-000000000000"])
async def test_a_user_who_is_not_there_is_not_found(disable, enable, user_id):
    for call in (disable, enable):
        with refused("USER_NOT_FOUND"):
            await call(user_id)


@pytest.mark.requirement(45)
async def test_a_login_that_meets_the_disabling_leaves_no_live_sign_in(people, sql, disable):
    for _ in range(6):
        email = await people.registered()
        user_id = str(await sql.fetchval("SELECT id FROM users WHERE email = $1", email))

        await asyncio.gather(
            people.login(email), disable(user_id), people.login(email), people.login(email), return_exceptions=True
        )

        query = "SELECT count(*) FROM refresh_families WHERE user_id::text = $1 AND ended_at IS NULL"
        assert await sql.fetchval(query, user_id) == 0


@pytest.mark.requirement(45)
async def test_a_sign_in_that_began_before_the_disabling_waited_for_it_is_ended(people, sql, database_url):
    """The order that a race seldom has: the login holds the user's row, and commits while the other waits."""
    ann = await people.signed_in()
    await sql.execute("DELETE FROM refresh_families")
    login, other = [await asyncpg.connect(database_url) for _ in range(2)]
    transaction = login.transaction()
    await transaction.start()
    await login.execute(
        """
        WITH owner AS (SELECT id FROM users WHERE id::text = $1 AND disabled_at IS NULL FOR SHARE)
        INSERT INTO refresh_families (id, user_id, created_at, expires)
        SELECT gen_random_uuid(), id, now(), now() + interval '1 day' FROM owner
        """,
        ann.id,
    )
    disabling = asyncio.create_task(other.execute("UPDATE users SET disabled_at = now() WHERE id::text = $1", ann.id))
    await asyncio.sleep(0.1)
    assert not disabling.done()

    await transaction.commit()
    await disabling

    assert await sql.fetchval("SELECT ended_reason FROM refresh_families") == "user disabled"
    for connection in (login, other):
        await connection.close()


@pytest.mark.requirement(45)
async def test_disabling_is_told_to_who_verifies_elsewhere(people, watch, sign_in_of, disable):
    ann = await people.signed_in()
    sign_in = await sign_in_of(ann.id)
    stream = watch()
    await stream.until("in_sync")

    await disable(ann.id)

    async with asyncio.timeout(at_most(1)):
        seen = await stream.until(("sign_in_id", sign_in, "REASON_USER_DISABLED"))
        if ("user_id", ann.id, "REASON_USER_DISABLED") not in seen:
            await stream.until(("user_id", ann.id, "REASON_USER_DISABLED"))


@pytest.mark.requirement(45)
async def test_a_session_that_meets_the_disabling_is_deleted(people, sql, disable):
    for _ in range(6):
        user = await people.a_user()
        request = CreateSessionRequest(session_token=f"{user.id}-token", user_id=user.id)
        request.expires.GetCurrentTime()
        request.expires.seconds += 3600

        await asyncio.gather(
            people.adapter.CreateSession(request, metadata=people.secret), disable(user.id), return_exceptions=True
        )

        assert await sql.fetchval("SELECT count(*) FROM sessions WHERE user_id::text = $1", user.id) == 0


async def log_in(people, user):
    await people.login(user.email)


async def make_session(people, user):
    await people.a_session(user.id)


async def move_session(people, user):
    other = await people.a_session((await people.a_user()).id)
    request = UpdateSessionRequest(session_token=other.session_token, user_id=user.id)
    if not (await people.adapter.UpdateSession(request, metadata=people.secret)).HasField("session"):
        raise LookupError


@pytest.mark.requirement(45)
@pytest.mark.parametrize("enter", [log_in, make_session, move_session])
async def test_who_enters_while_the_disabling_is_under_way_waits_for_it(people, sql, database_url, enter):
    ann = await people.signed_in()
    other = await asyncpg.connect(database_url)
    transaction = other.transaction()
    await transaction.start()
    await other.execute("UPDATE users SET disabled_at = now() WHERE id::text = $1", ann.id)
    entering = asyncio.create_task(enter(people, ann))
    await asyncio.sleep(0.3)
    assert not entering.done()

    await transaction.commit()
    await other.close()

    with pytest.raises((grpc.aio.AioRpcError, LookupError)):
        await entering
    assert await sql.fetchval("SELECT count(*) FROM refresh_families WHERE ended_at IS NULL") == 0
    assert await sql.fetchval("SELECT count(*) FROM sessions WHERE user_id::text = $1", ann.id) == 0
