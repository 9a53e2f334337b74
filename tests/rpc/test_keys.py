import asyncio
import json

import grpc
import jwt
import pytest
from google.protobuf.json_format import MessageToDict

from auth_server.app import StartError, running
from gatepost.v1 import keys_service_pb2 as pb
from tests.conftest import key_ring
from tests.people import People


@pytest.mark.requirement(34)
async def test_a_stranger_can_verify_an_access_token_with_the_published_keys(people):
    signed_in = await people.signed_in()

    published = await people.keys.GetJsonWebKeySet(pb.GetJsonWebKeySetRequest())

    keys = jwt.PyJWKSet.from_json(json.dumps(MessageToDict(published)))
    key = keys[jwt.get_unverified_header(signed_in.access_token)["kid"]]
    claims = jwt.decode(
        signed_in.access_token, key, algorithms=["EdDSA"], audience="gatepost", issuer="gatepost",
        options={"require": ["exp", "iat", "sub", "jti"]},
    )  # fmt: skip
    assert claims["sub"] == signed_in.id


async def test_no_private_part_is_published(people):
    published = await people.keys.GetJsonWebKeySet(pb.GetJsonWebKeySetRequest())

    assert MessageToDict(published)["keys"][0].keys() == {"kty", "use", "alg", "kid", "crv", "x"}


async def test_servers_that_start_at_once_share_one_key(settings, sql):
    await sql.execute("DELETE FROM signing_keys")
    plain = settings.model_copy(update={"reflection": False})

    async def kid():
        async with running(plain) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
            answer = await People(channel, "").keys.GetJsonWebKeySet(pb.GetJsonWebKeySetRequest())
            return answer.keys[0].kid

    try:
        kids = await asyncio.gather(*(kid() for _ in range(4)))
    finally:
        await sql.execute("DELETE FROM signing_keys")

    assert len(set(kids)) == 1


@pytest.mark.requirement(41)
async def test_the_private_key_is_sealed_where_it_is_stored(settings, sql):
    await sql.execute("DELETE FROM signing_keys")
    plain = settings.model_copy(update={"reflection": False})
    async with running(plain):
        pass
    other = plain.model_copy(update={"sealing_keys": type(settings.sealing_keys)(key_ring("other"))})

    with pytest.raises(StartError, match="GATEPOST_SEALING_KEYS"):
        async with running(other):
            pass
    await sql.execute("DELETE FROM signing_keys")
