"""Keys that change, clocks that differ, and users who are disabled, beside a real Gatepost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import jwt
import pytest
from listening import SECOND, listening, seconds_until_refused
from pydantic import SecretStr

from auth_server.app import running
from auth_server.storage import signing_keys
from auth_server.storage.database import connected
from gatepost_client import AccessTokenInvalidError
from gatepost_client.contract.token_service_pb2 import RevokeRequest
from tests.waiting import at_most


@pytest.fixture
def settings(settings, keys_url):
    """Of a database apart: the server that tests share must not lose its keys."""
    return settings.model_copy(update={"database_url": SecretStr(keys_url)})


@pytest.fixture
async def db(keys_url):
    async with connected(keys_url, size=4) as made:
        yield made


@pytest.fixture
async def server(settings, db, clock):
    """One that looks after its keys, as the one that tests share does not."""
    async with running(settings, clock) as made:
        yield made


@pytest.fixture
async def channel(server):
    async with grpc.aio.insecure_channel(server.grpc_target) as made:
        yield made


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def signed_in_under_another_key(people, kid: str):
    """A sign-in made once the server signs with another key than this one."""
    async with asyncio.timeout(30):
        while True:
            someone = await people.signed_in()
            if kid_of(someone.access_token) != kid:
                return someone
            await asyncio.sleep(0.1)


@pytest.mark.requirement(40)
async def test_a_rotation_of_keys_loses_no_verification(people, db, listener):
    before = await people.signed_in()
    assert await listener.verify(before.access_token)

    await signing_keys.rotate_at_once(db, datetime.now(UTC))
    after = await signed_in_under_another_key(people, kid_of(before.access_token))

    assert await listener.verify(before.access_token)
    assert await listener.verify(after.access_token)
    assert listener.counters.questions == 0


@pytest.mark.requirement(40)
async def test_a_revoked_key_is_refused_within_a_second(people, db, listener):
    before = await people.signed_in()
    await signing_keys.rotate_at_once(db, datetime.now(UTC))
    after = await signed_in_under_another_key(people, kid_of(before.access_token))
    assert await listener.verify(before.access_token)

    await signing_keys.revoke(db, kid_of(before.access_token), datetime.now(UTC))

    assert await seconds_until_refused(listener, before.access_token) < at_most(SECOND)
    assert await listener.verify(after.access_token)


async def test_a_server_whose_clock_runs_ahead_is_believed_within_the_leeway(people, clock, listener):
    clock.advance(timedelta(seconds=4))
    assert await listener.verify((await people.signed_in()).access_token)

    clock.advance(timedelta(seconds=20))
    with pytest.raises(AccessTokenInvalidError) as caught:
        await listener.verify((await people.signed_in()).access_token)
    assert caught.value.why == "not yet valid"


@pytest.mark.requirement(45)
async def test_a_restarted_server_is_found_again(people, settings, credential, client):
    ann, bob = [await people.signed_in() for _ in range(2)]
    async with running(settings) as first:
        port = first.grpc_port
        target = first.grpc_target
        stack = listening(target, credential)
        _, verifier = await stack.__aenter__()
        assert await verifier.verify(ann.access_token)
    try:
        assert not verifier.in_sync
        await client.tokens.Revoke(RevokeRequest(token=ann.access_token))

        async with running(settings.model_copy(update={"grpc_port": port})):
            await verifier.wait_in_sync()

            assert await seconds_until_refused(verifier, ann.access_token) < 0.1
            assert await verifier.verify(bob.access_token)
    finally:
        await stack.__aexit__(None, None, None)
