"""A refresh that is cut off, at its read or at its write, leaves a sign-in that goes on."""

import asyncio
from contextlib import asynccontextmanager

import grpc
import pytest

from gatepost.v1 import auth_service_pb2 as pb
from tests.people import refresh
from tests.waiting import backends_that_wait

# Who holds the table so, lets a refresh come as far as its read, or its write.
AT = {"read": "ACCESS EXCLUSIVE", "write": "SHARE"}


@asynccontextmanager
async def held(sql, step):
    """Meanwhile every refresh waits at this step."""
    async with sql.transaction():
        await sql.execute(f"LOCK TABLE refresh_tokens IN {AT[step]} MODE")
        yield


async def went_on(people, sql, token):
    """Whether the token, presented again, gives a pair, which goes on, and nothing was made twice."""
    pair = await refresh(people, token)
    assert await refresh(people, token) == pair
    assert await sql.fetchval("SELECT count(*) FROM refresh_tokens") == 2
    assert await sql.fetchval("SELECT count(*) FROM refresh_families WHERE ended_at IS NULL") == 1
    return await refresh(people, pair.refresh_token)


@pytest.mark.requirement(38)
@pytest.mark.parametrize("step", AT)
async def test_a_caller_who_goes_away_may_come_again(people, sql, step):
    signed_in = await people.signed_in()
    async with held(sql, step):
        call = people.auth.RefreshTokens(pb.RefreshTokensRequest(), metadata=signed_in.refresh)
        await backends_that_wait(sql)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    assert await went_on(people, sql, signed_in.refresh_token)


@pytest.mark.requirement(38)
@pytest.mark.parametrize("step", AT)
async def test_a_call_that_takes_too_long_may_come_again(people, sql, step):
    signed_in = await people.signed_in()
    async with held(sql, step):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await people.auth.RefreshTokens(pb.RefreshTokensRequest(), metadata=signed_in.refresh, timeout=0.2)

    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await went_on(people, sql, signed_in.refresh_token)


@pytest.mark.requirement(38)
@pytest.mark.parametrize("step", AT)
async def test_a_connection_that_breaks_is_told_and_the_call_may_come_again(people, sql, step):
    signed_in = await people.signed_in()
    async with held(sql, step):
        lost = asyncio.ensure_future(refresh(people, signed_in.refresh_token))
        for pid in await backends_that_wait(sql):
            await sql.execute("SELECT pg_terminate_backend($1)", pid)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await lost

    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert await went_on(people, sql, signed_in.refresh_token)


@pytest.mark.requirement(37, 38)
async def test_a_write_that_waited_sees_that_the_sign_in_has_ended(people, sql):
    signed_in = await people.signed_in()
    async with sql.transaction():
        # As a deletion does it: the family first.
        await sql.execute("SELECT FROM refresh_families FOR UPDATE")
        waits = asyncio.ensure_future(refresh(people, signed_in.refresh_token))
        await backends_that_wait(sql)
        await sql.execute("UPDATE refresh_families SET ended_at = now(), ended_reason = 'logout'")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await waits

    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert await sql.fetchval("SELECT count(*) FROM refresh_tokens") == 1
