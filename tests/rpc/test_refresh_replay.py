"""One refresh token, presented more than once: the answer is made once, and given again for a short time."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import grpc
import pytest

from auth_server.app import running
from gatepost.v1 import auth_service_pb2 as pb
from gatepost.v1.adapter_service_pb2 import AdapterServiceDeleteUserRequest
from tests.conftest import ADAPTER_SECRET
from tests.people import People, reason_of, refresh, refused
from tests.waiting import backends_that_wait

SHORTLY, LATE = timedelta(seconds=9), timedelta(seconds=11)
STILL_RETRYING, TOO_LATE_TO_RETRY = timedelta(minutes=4), timedelta(minutes=6)


async def living(sql):
    """How many sign-ins live, and how many tokens in them are not used."""
    return tuple(
        await sql.fetchrow(
            """
            SELECT count(DISTINCT refresh_families.id), count(*) FILTER (WHERE used_at IS NULL)
              FROM refresh_families
              JOIN refresh_tokens ON refresh_tokens.family_id = refresh_families.id
             WHERE ended_at IS NULL
            """
        )
    )


@pytest.mark.requirement(38)
async def test_fifty_at_once_get_the_same_pair(people, sql):
    signed_in = await people.signed_in()

    answers = await asyncio.gather(*(refresh(people, signed_in.refresh_token) for _ in range(50)))

    assert len({answer.SerializeToString(deterministic=True) for answer in answers}) == 1
    assert await sql.fetchval("SELECT count(*) FROM refresh_tokens") == 2
    assert await living(sql) == (1, 1)
    assert await refresh(people, answers[0].refresh_token)


@pytest.mark.requirement(38)
async def test_those_who_lose_the_race_for_the_write_get_the_winners_pair(people, sql):
    signed_in = await people.signed_in()
    async with sql.transaction():
        await sql.execute("SELECT FROM refresh_tokens FOR UPDATE")
        calls = [asyncio.ensure_future(refresh(people, signed_in.refresh_token)) for _ in range(20)]
        await backends_that_wait(sql, 8)

    answers = await asyncio.gather(*calls)

    assert all(answer == answers[0] for answer in answers)
    assert await sql.fetchval("SELECT count(*) FROM refresh_tokens") == 2


@pytest.mark.requirement(38)
async def test_a_retry_gets_the_same_pair_as_often_as_it_comes(people, clock, sql):
    signed_in = await people.signed_in()
    first = await refresh(people, signed_in.refresh_token)

    for wait in (timedelta(), SHORTLY):
        clock.advance(wait)
        assert await refresh(people, signed_in.refresh_token) == first
    assert await sql.fetchval("SELECT count(*) FROM refresh_tokens") == 2


@pytest.mark.requirement(38)
async def test_a_retry_with_its_request_id_may_come_later(people, clock):
    signed_in, request_id = await people.signed_in(), str(uuid4())
    first = await refresh(people, signed_in.refresh_token, request_id=request_id)
    clock.advance(STILL_RETRYING)

    assert await refresh(people, signed_in.refresh_token, request_id=request_id.upper()) == first


@pytest.mark.requirement(37)
@pytest.mark.parametrize(
    ("used_with", "again_with", "after"),
    [
        (None, None, LATE),
        ("one", None, LATE),
        (None, "one", LATE),
        ("one", "other", LATE),
        ("one", "one", TOO_LATE_TO_RETRY),
    ],
)
async def test_what_comes_too_late_ends_the_family(people, clock, sql, used_with, again_with, after):
    ids = {None: {}, "one": {"request_id": str(uuid4())}, "other": {"request_id": str(uuid4())}}
    signed_in = await people.signed_in()
    successor = await refresh(people, signed_in.refresh_token, **ids[used_with])
    clock.advance(after)

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, signed_in.refresh_token, **ids[again_with])

    assert await sql.fetchval("SELECT ended_reason FROM refresh_families") == "reuse"
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, successor.refresh_token)


@pytest.mark.requirement(37)
@pytest.mark.parametrize("with_id", [False, True])
async def test_a_token_is_answered_again_only_until_its_successor_is_used(people, sql, with_id):
    fields = {"request_id": str(uuid4())} if with_id else {}
    signed_in = await people.signed_in()
    successor = await refresh(people, signed_in.refresh_token, **fields)
    newest = await refresh(people, successor.refresh_token)

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, signed_in.refresh_token, **fields)

    assert await sql.fetchval("SELECT ended_reason FROM refresh_families") == "reuse"
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, newest.refresh_token)


@pytest.mark.requirement(37)
async def test_a_token_that_an_older_server_used_is_not_answered_again(people, sql):
    """It knows no answers: it makes a successor without one, and leaves the one that the used token kept."""
    signed_in = await people.signed_in()
    successor = await refresh(people, signed_in.refresh_token)
    await sql.execute("UPDATE refresh_tokens SET used_at = now() WHERE generation = 2")
    await sql.execute(
        "INSERT INTO refresh_tokens (token_hash, family_id, generation, expires) "
        "SELECT 'x', family_id, 3, expires FROM refresh_tokens WHERE generation = 2"
    )

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, signed_in.refresh_token)
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, successor.refresh_token)
    assert await living(sql) == (0, 0)


@pytest.mark.parametrize("ending", ["logout", "disable", "delete"])
async def test_nothing_is_answered_again_after_the_sign_in_has_ended(people, sql, ending):
    signed_in = await people.signed_in()
    await refresh(people, signed_in.refresh_token)
    if ending == "logout":
        await people.auth.Logout(pb.LogoutRequest(), metadata=signed_in.refresh)
    if ending == "disable":
        await sql.execute("UPDATE users SET disabled_at = now()")
    if ending == "delete":
        await people.adapter.DeleteUser(AdapterServiceDeleteUserRequest(id=signed_in.id), metadata=people.secret)

    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, signed_in.refresh_token)

    assert await sql.fetchval("SELECT count(*) FROM refresh_families WHERE ended_reason = 'reuse'") == 0


@pytest.mark.requirement(37, 38)
async def test_a_reuse_while_the_successor_refreshes_always_ends_the_family(people, clock, sql):
    for _ in range(10):
        signed_in = await people.signed_in()
        successor = await refresh(people, signed_in.refresh_token)
        clock.advance(LATE)

        late, *pairs = await asyncio.gather(
            refresh(people, signed_in.refresh_token),
            *(refresh(people, successor.refresh_token) for _ in range(5)),
            return_exceptions=True,
        )

        assert reason_of(late) == "REFRESH_TOKEN_INVALID"
        assert await living(sql) == (0, 0)
        for pair in pairs:
            if isinstance(pair, BaseException):
                assert reason_of(pair) == "REFRESH_TOKEN_INVALID"
            else:
                with refused("REFRESH_TOKEN_INVALID"):
                    await refresh(people, pair.refresh_token)


@pytest.mark.requirement(38)
async def test_deleting_a_user_who_refreshes_one_token_many_times_fails_nobody(people, sql):
    for _ in range(10):
        signed_in = await people.signed_in()
        request = AdapterServiceDeleteUserRequest(id=signed_in.id)

        deletion, *pairs = await asyncio.gather(
            people.adapter.DeleteUser(request, metadata=people.secret),
            *(refresh(people, signed_in.refresh_token) for _ in range(6)),
            return_exceptions=True,
        )

        assert deletion.HasField("user")
        refusals = [pair for pair in pairs if isinstance(pair, BaseException)]
        assert {reason_of(refusal) for refusal in refusals} <= {"REFRESH_TOKEN_INVALID"}
        assert len({pair.refresh_token for pair in pairs if pair not in refusals}) <= 1
    assert await sql.fetchval("SELECT count(*) FROM refresh_tokens") == 0


@pytest.mark.requirement(37)
async def test_windows_of_zero_switch_every_second_use_off(settings, sql):
    off = {"refresh_replay_window": timedelta(), "refresh_retry_window": timedelta()}
    async with (
        running(settings.model_copy(update=off)) as server,
        grpc.aio.insecure_channel(server.grpc_target) as channel,
    ):
        people = People(channel, ADAPTER_SECRET)
        signed_in, request_id = await people.signed_in(), str(uuid4())

        results = await asyncio.gather(
            *(refresh(people, signed_in.refresh_token, request_id=request_id) for _ in range(10)),
            return_exceptions=True,
        )

    assert sum(not isinstance(result, BaseException) for result in results) == 1
    assert await living(sql) == (0, 0)
    assert await sql.fetchval("SELECT count(*) FROM refresh_tokens WHERE sealed_answer IS NOT NULL") == 0
