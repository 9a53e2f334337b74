"""Streams of revocations where servers come, go, and know nothing."""

import asyncio
import contextlib
import time
from datetime import timedelta

import grpc
import pytest

from auth_server.app import running
from auth_server.storage.revocations import listening
from auth_server.usecases import revocations as watching
from auth_server.usecases.revocation_tail import RevocationTail
from gatepost.v1 import token_service_pb2_grpc
from tests.people import refused
from tests.waiting import at_most

BOUND_SECONDS = 1.0
FOURTEEN = timedelta(minutes=14)
LONG = timedelta(minutes=30)


@contextlib.asynccontextmanager
async def another_server(settings, clock):
    async with running(settings, clock) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        yield server, token_service_pb2_grpc.TokenServiceStub(channel)


@pytest.mark.requirement(8)
async def test_a_server_that_stops_ends_its_streams_at_once(settings, clock, watch, basic):
    async with another_server(settings, clock) as (server, stub):
        stream = watch(stub=stub)
        await stream.until("in_sync")

        began = time.monotonic()
        await server.drain()
        with refused("SERVER_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE):
            await stream.until("never")

        assert time.monotonic() - began < at_most(BOUND_SECONDS)
        with refused("SERVER_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE):
            await watch(stub=stub).next()


@pytest.mark.requirement(45)
async def test_a_server_of_shorter_lives_tells_what_ends_the_tokens_of_longer_ones(
    settings, clock, people, watch, sign_in_of, sql
):
    ann = await people.signed_in()
    sign_in = await sign_in_of(ann.id)
    await people.log_out(ann)
    await sql.execute(
        "UPDATE revocations SET revoked_at = now() - $2::interval WHERE subject_id = $1", sign_in, FOURTEEN
    )
    shorter = settings.model_copy(update={"access_token_life": timedelta(minutes=1)})
    async with another_server(shorter, clock) as (_, stub):
        stream = watch(stub=stub)

        assert ("sign_in_id", sign_in, "REASON_LOGOUT") in await stream.until("in_sync")
        stream.call.cancel()


@pytest.mark.requirement(45)
async def test_a_revocation_by_one_server_is_told_by_another(settings, clock, people, watch, sign_in_of):
    ann = await people.signed_in()
    sign_in = await sign_in_of(ann.id)
    async with another_server(settings, clock) as (_, stub):
        stream = watch(stub=stub)
        await stream.until("in_sync")

        await people.log_out(ann)

        assert await stream.until(("sign_in_id", sign_in, "REASON_LOGOUT"))
        stream.call.cancel()


@pytest.mark.requirement(45)
async def test_a_watcher_that_is_too_slow_reads_the_log_itself(db, sql, shared_server, database_url, clock):
    """The tail keeps one entry only; the watcher comes back after a hundred."""
    tail = RevocationTail(lambda: listening(database_url, prepared=True), lambda: clock() - LONG, most_kept=1)
    log = watching.Revocations(db, tail)
    async with tail.following():
        stream = log.watch("")
        while not isinstance((await anext(stream)).event, watching.InSync):
            pass
        for number in range(100):
            await sql.execute("SELECT log_revocation('key', $1, 'key revoked', now())", f"slow-{number}")
        await asyncio.sleep(0.2)

        seen = set()
        async with asyncio.timeout(30):
            while len(seen) < 100:
                event = (await anext(stream)).event
                seen |= {getattr(event, "subject_id", "")} - {""}

        assert seen == {f"slow-{number}" for number in range(100)}
        await stream.aclose()


async def test_nothing_is_said_where_nobody_can_know(db, clock):
    """A tail that cannot reach the log gives no sign of life."""

    def away():
        return listening("postgresql://u@127.0.0.1:1/none", prepared=True)

    tail = RevocationTail(away, lambda: clock() - LONG)
    log = watching.Revocations(db, tail, heartbeat_seconds=0.05)
    async with tail.following():
        stream = log.watch("")
        while not isinstance((await anext(stream)).event, watching.InSync):
            pass

        with pytest.raises(watching.DatabaseUnavailableError):
            await anext(stream)
