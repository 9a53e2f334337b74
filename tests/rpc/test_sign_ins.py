"""Users see where they are signed in, and end it."""

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from gatepost.v1 import auth_service_pb2
from gatepost.v1 import session_service_pb2 as pb
from gatepost.v1.adapter_service_pb2 import GetSessionAndUserRequest
from gatepost.v1.users_service_pb2 import GetUserRequest
from tests.people import refused


async def listed(people, ann, **more):
    request = pb.ListSignInsRequest(user_id=ann.id, **more)
    return await people.sessions.ListSignIns(request, metadata=ann.bearer)


async def lives(people, ann):
    """Whether both tokens of the sign-in are good for something."""
    try:
        await people.users.GetUser(GetUserRequest(id=ann.id), metadata=ann.bearer)
    except grpc.aio.AioRpcError:
        with refused("REFRESH_TOKEN_INVALID"):
            await refresh(people, ann)
        return False
    return True


async def refresh(people, ann):
    return await people.auth.RefreshTokens(auth_service_pb2.RefreshTokensRequest(), metadata=ann.refresh)


async def end_all(people, ann, by=None, **more):
    request = pb.EndSignInsRequest(user_id=ann.id, **more)
    await people.sessions.EndSignIns(request, metadata=by or ann.bearer)


async def an_operator(people, sql):
    operator = await people.signed_in()
    await sql.execute("UPDATE users SET role = 'operator' WHERE id::text = $1", operator.id)
    return operator


@pytest.mark.requirement(44)
async def test_a_user_sees_their_own_live_sign_ins_the_newest_first(people):
    one = await people.signed_in()
    two, gone = await people.login(one.email), await people.login(one.email)
    await people.signed_in()
    await people.log_out(gone)

    found = (await listed(people, two)).sign_ins

    assert [each.current for each in found] == [True, False]
    assert [each.current for each in (await listed(people, one)).sign_ins] == [False, True]
    now = datetime.now(UTC)
    for each in found:
        assert abs(each.create_time.ToDatetime(UTC) - now) < timedelta(minutes=1)
        assert each.last_use_time == each.create_time
        assert abs(each.expire_time.ToDatetime(UTC) - now - timedelta(days=14)) < timedelta(minutes=1)


@pytest.mark.requirement(44)
async def test_a_refresh_is_a_use(people, clock):
    ann = await people.signed_in()
    clock.advance(timedelta(minutes=10))
    await refresh(people, ann)

    [found] = (await listed(people, ann)).sign_ins

    used = found.last_use_time.ToDatetime(UTC) - found.create_time.ToDatetime(UTC)
    assert timedelta(minutes=10) <= used < timedelta(minutes=11)


@pytest.mark.requirement(39, 44)
async def test_a_sign_in_that_was_idle_too_long_is_listed_no_more(people, clock):
    ann = await people.signed_in()
    clock.advance(timedelta(days=15))
    again = await people.login(ann.email)

    assert [each.current for each in (await listed(people, again)).sign_ins] == [True]


async def test_sign_ins_come_in_pages(people):
    ann = await people.signed_in()
    for _ in range(4):
        await people.login(ann.email)
    everything = [each.id for each in (await listed(people, ann)).sign_ins]

    seen, token = [], ""
    while True:
        page = await listed(people, ann, page_size=2, page_token=token)
        seen += [each.id for each in page.sign_ins]
        token = page.next_page_token
        if not token:
            break

    assert len(everything) == 5
    assert seen == everything


@pytest.mark.requirement(16)
async def test_a_page_token_of_another_user_is_refused(people):
    ann, bob = await people.signed_in(), await people.signed_in()
    await people.login(ann.email)
    token = (await listed(people, ann, page_size=1)).next_page_token

    with refused("PAGE_TOKEN_INVALID"):
        await listed(people, bob, page_token=token)


@pytest.mark.requirement(44)
async def test_one_sign_in_is_ended_and_the_others_live(people):
    one = await people.signed_in()
    two = await people.login(one.email)
    [other] = [each.id for each in (await listed(people, two)).sign_ins if not each.current]

    await people.sessions.EndSignIn(pb.EndSignInRequest(user_id=one.id, id=other), metadata=two.bearer)

    assert [await lives(people, each) for each in (one, two)] == [False, True]
    with refused("SIGN_IN_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await people.sessions.EndSignIn(pb.EndSignInRequest(user_id=one.id, id=other), metadata=two.bearer)


@pytest.mark.requirement(44, 59)
async def test_nobody_ends_a_sign_in_of_somebody_else(people, sql):
    ann, bob = await people.signed_in(), await people.signed_in()
    [bobs] = [each.id for each in (await listed(people, bob)).sign_ins]

    for user_id, reason in ((ann.id, "SIGN_IN_NOT_FOUND"), (bob.id, "PERMISSION_DENIED")):
        with refused(reason):
            await people.sessions.EndSignIn(pb.EndSignInRequest(user_id=user_id, id=bobs), metadata=ann.bearer)
    with refused("PERMISSION_DENIED"):
        await end_all(people, bob, by=ann.bearer)

    assert await lives(people, bob)


@pytest.mark.requirement(44)
@pytest.mark.parametrize("sign_in", ["x", "01890000-0000-7000-8000-000000000000", "\x00"])
async def test_what_is_no_sign_in_is_not_found(people, sign_in):
    ann = await people.signed_in()

    with refused("SIGN_IN_NOT_FOUND"):
        await people.sessions.EndSignIn(pb.EndSignInRequest(user_id=ann.id, id=sign_in), metadata=ann.bearer)


@pytest.mark.requirement(44)
@pytest.mark.parametrize("keep_current", [True, False])
async def test_all_sign_ins_end_or_all_others(people, keep_current):
    one = await people.signed_in()
    two, three = await people.login(one.email), await people.login(one.email)
    bob = await people.signed_in()

    await end_all(people, two, keep_current=keep_current)

    assert [await lives(people, each) for each in (one, two, three, bob)] == [False, keep_current, False, True]


@pytest.mark.requirement(44, 45)
@pytest.mark.parametrize("keep_current", [True, False])
async def test_the_users_nextauth_sessions_end_along(people, keep_current):
    ann, bob = await people.signed_in(), await people.signed_in()
    anns, bobs = await people.a_session(ann.id), await people.a_session(bob.id)

    await end_all(people, ann, keep_current=keep_current)

    found = [
        await people.adapter.GetSessionAndUser(
            GetSessionAndUserRequest(session_token=each.session_token), metadata=people.secret
        )
        for each in (anns, bobs)
    ]
    assert [each.HasField("session_and_user") for each in found] == [False, True]


@pytest.mark.requirement(44)
async def test_an_operator_sees_and_ends_anybodys(people, sql):
    ann, operator = await people.signed_in(), await an_operator(people, sql)
    request = pb.ListSignInsRequest(user_id=ann.id)

    [found] = (await people.sessions.ListSignIns(request, metadata=operator.bearer)).sign_ins
    await end_all(people, ann, by=operator.bearer, keep_current=True)

    assert not found.current
    assert [await lives(people, each) for each in (ann, operator)] == [False, True]


@pytest.mark.requirement(44)
async def test_of_a_refresh_and_the_end_of_all_sign_ins_at_once_nothing_lives_on(people, sql):
    for _ in range(8):
        ann = await people.signed_in()
        answers = await asyncio.gather(
            refresh(people, ann), end_all(people, ann), refresh(people, ann), return_exceptions=True
        )

        assert not isinstance(answers[1], BaseException)
        for answer in (answers[0], answers[2]):
            if not isinstance(answer, BaseException):
                with refused("REFRESH_TOKEN_INVALID"):
                    metadata = [("authorization", f"Refresh {answer.backend_tokens.refresh_token}")]
                    await people.auth.RefreshTokens(auth_service_pb2.RefreshTokensRequest(), metadata=metadata)
                with refused("ACCESS_TOKEN_INVALID"):
                    metadata = [("authorization", f"Bearer {answer.backend_tokens.access_token}")]
                    await people.users.GetUser(GetUserRequest(id=ann.id), metadata=metadata)
        assert await sql.fetchval("SELECT count(*) FROM refresh_families WHERE ended_at IS NULL") == 0
