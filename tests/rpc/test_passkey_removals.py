"""A passkey is removed by who is signed in at that very moment, and nobody else."""

import asyncio

import pytest

from gatepost.v1 import passkey_service_pb2 as pb
from tests.passkeys import text_of
from tests.people import PASSWORD, refused
from tests.rpc.passkeys import a_passkey, by_passkey, verified
from tests.waiting import backends_that_wait


@pytest.mark.requirement(23)
@pytest.mark.requirement(32)
async def test_a_sign_in_that_ends_meanwhile_removes_no_passkey(people, sql):
    ann = await verified(people, sql)
    authenticator = await a_passkey(people, ann)
    request = pb.DeletePasskeyRequest(id=text_of(authenticator.credential_id), current_password=PASSWORD)

    async with sql.transaction():
        await sql.execute("UPDATE refresh_families SET ended_at = now(), ended_reason = 'ended'")
        removing = asyncio.ensure_future(people.passkeys.DeletePasskey(request, metadata=ann.bearer))
        await backends_that_wait(sql)

    with refused("ACCESS_TOKEN_INVALID"):
        await removing
    assert (await by_passkey(people, authenticator)).id == ann.id
