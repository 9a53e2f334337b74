"""Rotating and revoking keys while tokens are made and verified everywhere."""

import asyncio
import random
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic
from uuid import UUID

import grpc
import jwt
import pytest

from auth_server.app import running
from auth_server.domain import access_tokens
from auth_server.domain.access_tokens import AccessTokenPolicy
from auth_server.domain.key_lives import KeyPlan, KeyState
from auth_server.domain.signing_keys import Algorithm
from auth_server.domain.users import Role, User
from auth_server.storage import signing_keys
from auth_server.storage.database import connected
from gatepost.v1 import auth_service_pb2, users_service_pb2
from gatepost.v1 import keys_service_pb2 as pb
from tests.keys import Time, a_server, kid_of
from tests.people import People, SignedIn, refused
from tests.waiting import at_most

FAMILY = UUID("01890000-0000-7000-8000-000000000002")
POLICY = AccessTokenPolicy("issuer", "audience", timedelta(minutes=2))
CACHE = timedelta(seconds=20)


def a_user(now):
    return User(UUID(int=1), "Ann", "ann@example.org", now, None, {}, Role.USER, now, now)


class Cached:
    """A verifier elsewhere: keeps the published keys for all of their max-age, and asks for nothing in between."""

    def __init__(self, time):
        self._time = time
        self._until = None
        self._keys = {}

    def verify(self, token, published):
        if self._until is None or self._time.now >= self._until:
            self._keys = {key.kid: key for key in published}
            self._until = self._time.now + CACHE
        access_tokens.verify(token, keys=self._keys, policy=POLICY, now=self._time.now)


@pytest.mark.requirement(40)
@pytest.mark.timeout(180)
async def test_no_verifier_ever_meets_a_token_that_it_refuses(keys_url):
    """Five minutes, second by second: every key rotates as soon as it can, and every token is verified all its life."""
    time, chance = Time(), random.Random(7)
    plan = KeyPlan(Algorithm.EDDSA, timedelta(seconds=1), CACHE)
    kids, alive, verified = set(), [], 0
    async with connected(keys_url, size=2) as db:
        servers = [a_server(db, time, plan) for _ in range(2)]
        for each in servers:
            await each.tend()
        strangers = [Cached(time) for _ in range(3)]
        for _ in range(300):
            time.goes(timedelta(seconds=1))
            chance.shuffle(servers)
            ahead, behind = servers
            await ahead.tend()  # the other one's keys are a second old
            for signer in servers:
                made = access_tokens.sign(
                    a_user(time.now), FAMILY, [], key=signer.signing, policy=POLICY, now=time.now,
                    ends=time.now + timedelta(days=1),
                )  # fmt: skip
                alive.append(made)
                kids.add(signer.signing.kid)
            alive = [each for each in alive if each.expires > time.now]
            for token in (*alive[-2:], alive[0], chance.choice(alive)):
                access_tokens.verify(token.text, keys=behind.verifying, policy=POLICY, now=time.now)
                chance.choice(strangers).verify(token.text, chance.choice(servers).published)
                verified += 1
            await behind.tend()

    assert len(kids) >= 8
    assert verified == 1200


@asynccontextmanager
async def two_servers(settings, url, clock):
    """Two servers on one database: what calls each of them."""
    given = settings.model_copy(update={"database_url": type(settings.database_url)(url), "reflection": False})
    async with (
        running(given, clock) as one,
        running(given, clock) as two,
        grpc.aio.insecure_channel(one.grpc_target) as to_one,
        grpc.aio.insecure_channel(two.grpc_target) as to_two,
    ):
        yield People(to_one, ""), People(to_two, "")


async def kids_of(people):
    return [key.kid for key in (await people.keys.GetJsonWebKeySet(pb.GetJsonWebKeySetRequest())).keys]


async def refreshed(people, signed_in):
    answer = await people.auth.RefreshTokens(auth_service_pb2.RefreshTokensRequest(), metadata=signed_in.refresh)
    tokens = answer.backend_tokens
    return SignedIn(signed_in.id, signed_in.email, tokens.access_token, tokens.refresh_token)


async def is_admitted(people, signed_in):
    await people.users.GetUser(users_service_pb2.GetUserRequest(id=signed_in.id), metadata=signed_in.bearer)


class Load:
    """One person whose tokens are made by one server after the other, and verified by both and by a stranger."""

    def __init__(self, servers, clock):
        self.servers = servers
        self.clock = clock
        self.verified = 0
        self.stop = asyncio.Event()
        self._keys = None
        self._until = clock()

    async def goes_on(self, number):
        return self.verified > number

    async def run(self):
        signed_in = await self.servers[0].signed_in()
        while not self.stop.is_set():
            for people in self.servers:
                signed_in = await refreshed(people, signed_in)
                await asyncio.gather(*(is_admitted(each, signed_in) for each in self.servers))
                await self._verify_elsewhere(signed_in.access_token)
                self.verified += 1

    async def _verify_elsewhere(self, token):
        if self._keys is None or self.clock() >= self._until:
            answer = await random.choice(self.servers).keys.GetJsonWebKeySet(pb.GetJsonWebKeySetRequest())
            self._keys = {key.kid: key.x for key in answer.keys}
            self._until = self.clock() + timedelta(seconds=300)
        x = self._keys[jwt.get_unverified_header(token)["kid"]]
        key = jwt.PyJWK({"kty": "OKP", "crv": "Ed25519", "x": x}, "EdDSA")
        jwt.decode(token, key, audience="gatepost", options={"verify_iat": False, "verify_nbf": False})


@pytest.mark.slow
@pytest.mark.requirement(40)
@pytest.mark.timeout(180)
async def test_rotations_under_load_lose_no_verification(settings, keys_url, clock):
    async with two_servers(settings, keys_url, clock) as servers, connected(keys_url, size=1) as db:
        load = Load(servers, clock)
        running_load = asyncio.create_task(load.run())
        for _ in range(3):
            following = await kid_of(db, KeyState.NEXT)
            await until(lambda kid=following: all_publish(servers, kid))
            await signing_keys.ask_rotation(db, clock())
            clock.advance(timedelta(seconds=307))  # the next key is ready, and caches have seen it
            await until(lambda kid=following: all_sign_with(servers, kid))
        before = load.verified
        await until(lambda: load.goes_on(before + 4))
        load.stop.set()
        await running_load  # raises what was refused

    assert load.verified > 10


async def all_publish(servers, kid):
    return all([kid in await kids_of(people) for people in servers])


async def all_sign_with(servers, kid):
    published = [await kids_of(people) for people in servers]
    return all(kids[0] == kid and len(kids) >= 3 for kids in published)


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (other tasks change it)
            await asyncio.sleep(0.02)


@pytest.mark.requirement(40)
@pytest.mark.timeout(180)
async def test_tokens_of_a_revoked_key_are_refused_by_every_server_within_a_second(settings, keys_url, clock):
    async with two_servers(settings, keys_url, clock) as servers, connected(keys_url, size=1) as db:
        signed_in = await servers[0].signed_in()
        for people in servers:
            await is_admitted(people, signed_in)

        await signing_keys.revoke(db, await kid_of(db, KeyState.ACTIVE), clock())
        revoked_at = monotonic()
        await asyncio.gather(*(refusal(people, signed_in) for people in servers))
        took_seconds = monotonic() - revoked_at

        again = await refreshed(servers[1], signed_in)
        for people in servers:
            await is_admitted(people, again)
            assert jwt.get_unverified_header(signed_in.access_token)["kid"] not in await kids_of(people)
    assert took_seconds < at_most(2)


async def refusal(people, signed_in):
    with refused("ACCESS_TOKEN_INVALID"):
        while True:
            await is_admitted(people, signed_in)
            await asyncio.sleep(0.02)


@pytest.mark.requirement(40)
async def test_a_token_of_a_key_that_a_server_has_not_seen_makes_it_look(settings, keys_url, clock):
    async with two_servers(settings, keys_url, clock) as (one, two), connected(keys_url, size=1) as db:
        signed_in = await one.signed_in()
        await signing_keys.rotate_at_once(db, clock())
        await signing_keys.rotate_at_once(db, clock())
        await until(lambda: seen(one, 3))

        later = await refreshed(one, signed_in)

        await is_admitted(two, later)


async def seen(people, number):
    return len(await kids_of(people)) >= number
