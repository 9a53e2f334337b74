import asyncio
import json
from datetime import timedelta

import grpc
import jwt
import pytest
from google.protobuf.json_format import MessageToDict

from auth_server.app import StartError, running
from auth_server.domain.key_lives import KeyState
from auth_server.domain.secrets import identity_of
from auth_server.domain.signing_keys import Algorithm, make_key, packed
from auth_server.storage import signing_keys
from auth_server.storage.database import connected
from gatepost.v1 import keys_service_pb2 as pb
from gatepost.v1 import users_service_pb2
from tests.conftest import key_ring
from tests.keys import Time, a_server, rsa_key, sealing
from tests.people import People, refused

SHARED = "a-secret-that-all-guards-share-0123456789"
pytestmark = pytest.mark.timeout(180)  # several start servers, and make RSA keys
MEMBERS = {
    Algorithm.EDDSA: {"kty", "use", "alg", "kid", "crv", "x"},
    Algorithm.ES256: {"kty", "use", "alg", "kid", "crv", "x", "y"},
    Algorithm.RS256: {"kty", "use", "alg", "kid", "n", "e"},
}


@pytest.fixture
def plain(settings, keys_url):
    """Settings of a server with keys of its own."""
    url = type(settings.database_url)(keys_url)
    return settings.model_copy(update={"database_url": url, "reflection": False})


async def published_by(people):
    return MessageToDict(await people.keys.GetJsonWebKeySet(pb.GetJsonWebKeySetRequest())).get("keys", [])


async def offered(url, key, state, time):
    sealed = sealing("seal").close(packed(key), identity_of("signing_keys", key.kid))
    async with connected(url, size=1) as db:
        await signing_keys.offer(db, key.verifying, state, sealed, now=time.now, ready=time.now)


@pytest.mark.requirement(34)
async def test_a_stranger_can_verify_an_access_token_with_the_published_keys(people):
    signed_in = await people.signed_in()

    keys = jwt.PyJWKSet.from_json(json.dumps({"keys": await published_by(people)}))

    key = keys[jwt.get_unverified_header(signed_in.access_token)["kid"]]
    claims = jwt.decode(
        signed_in.access_token, key, algorithms=["EdDSA"], audience="gatepost", issuer="gatepost",
        options={"require": ["exp", "iat", "sub", "jti"]},
    )  # fmt: skip
    assert claims["sub"] == signed_in.id


@pytest.mark.requirement(34)
@pytest.mark.parametrize("algorithm", list(MEMBERS))
async def test_each_algorithm_signs_what_the_server_and_strangers_verify(plain, keys_url, algorithm):
    pair = [rsa_key(0), rsa_key(1)] if algorithm is Algorithm.RS256 else [make_key(algorithm), make_key(algorithm)]
    for key, state in zip(pair, (KeyState.ACTIVE, KeyState.NEXT), strict=True):
        await offered(keys_url, key, state, Time())
    given = plain.model_copy(update={"signing_algorithm": algorithm, "key_rotation_interval": timedelta(0)})

    async with running(given) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        people = People(channel, "")
        signed_in = await people.signed_in()
        request = users_service_pb2.GetUserRequest(id=signed_in.id)
        assert (await people.users.GetUser(request, metadata=signed_in.bearer)).user.id == signed_in.id
        published = await published_by(people)

    assert [key["kid"] for key in published] == [key.kid for key in pair]
    assert all(key.keys() == MEMBERS[algorithm] for key in published)
    keys = jwt.PyJWKSet.from_dict({"keys": published})
    decoded = jwt.decode(signed_in.access_token, keys[pair[0].kid], algorithms=[algorithm.value], audience="gatepost")
    assert decoded["sub"] == signed_in.id


@pytest.mark.requirement(34)
async def test_a_shared_secret_signs_where_it_is_asked_for_and_is_not_published(plain):
    secret = type(plain.adapter_secret)(SHARED)
    given = plain.model_copy(update={"signing_algorithm": Algorithm.HS256, "jwt_secret_key": secret})

    async with running(given) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        people = People(channel, "")
        signed_in = await people.signed_in()
        request = users_service_pb2.GetUserRequest(id=signed_in.id)
        assert (await people.users.GetUser(request, metadata=signed_in.bearer)).user.id == signed_in.id
        assert await published_by(people) == []

    # As the article's guards do it.
    decoded = jwt.decode(signed_in.access_token, SHARED, algorithms=["HS256"], audience="gatepost")
    assert decoded["username"] == signed_in.email


@pytest.mark.requirement(34)
async def test_a_shared_secret_that_is_merely_there_signs_nothing(plain):
    given = plain.model_copy(update={"jwt_secret_key": type(plain.adapter_secret)(SHARED)})

    async with running(given) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        people = People(channel, "")
        signed_in = await people.signed_in()
        forged = jwt.encode(
            jwt.decode(signed_in.access_token, options={"verify_signature": False}),
            SHARED,
            algorithm="HS256",
            headers=jwt.get_unverified_header(signed_in.access_token) | {"alg": "HS256"},
        )
        with refused("ACCESS_TOKEN_INVALID"):
            await people.users.GetUser(
                users_service_pb2.GetUserRequest(id=signed_in.id), metadata=[("authorization", f"Bearer {forged}")]
            )

    assert jwt.get_unverified_header(signed_in.access_token)["alg"] == "EdDSA"


async def test_servers_that_start_at_once_share_their_keys(plain):
    async def kids():
        async with running(plain) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
            return tuple(key["kid"] for key in await published_by(People(channel, "")))

    published = await asyncio.gather(*(kids() for _ in range(2)))

    assert len(set(published)) == 1
    assert len(published[0]) == 2


@pytest.mark.requirement(41)
async def test_a_server_whose_key_ring_opens_no_stored_key_does_not_start(plain):
    async with running(plain):
        pass
    other = plain.model_copy(update={"sealing_keys": type(plain.sealing_keys)(key_ring("other"))})

    with pytest.raises(StartError, match="GATEPOST_SEALING_KEYS"):
        async with running(other):
            pass


@pytest.mark.requirement(41)
async def test_the_database_holds_no_private_half_in_clear(keys_url):
    pair = [make_key(Algorithm.EDDSA), make_key(Algorithm.ES256), rsa_key()]
    time = Time()
    async with connected(keys_url, size=2) as db:
        for key in pair:
            await db.fetchrow("DELETE FROM signing_keys")
            await offered(keys_url, key, KeyState.ACTIVE, time)
            row = await db.fetchrow("SELECT signing_keys::text AS text, sealed FROM signing_keys")
            private = packed(key)

            assert private not in row["sealed"]
            assert private[-24:].hex() not in row["text"]

            server = a_server(db, time)
            await server.tend()
            assert server.signing.kid == key.kid
