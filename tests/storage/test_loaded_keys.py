"""The keys that a server has loaded, whatever it finds in the database."""

import asyncio

import pytest

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.domain.key_lives import KeyPlan, KeyState
from auth_server.domain.secrets import identity_of
from auth_server.domain.signing_keys import Algorithm, make_key, packed, shared_key
from auth_server.storage import signing_keys
from auth_server.storage.database import connected
from auth_server.usecases.keys import KeysUnreadableError
from tests.keys import PLAN, Time, a_server, kid_of, sealing, states


@pytest.fixture
def time():
    return Time()


@pytest.fixture
async def db(keys_url):
    async with connected(keys_url, size=8) as database:
        yield database


@pytest.mark.requirement(34)
async def test_a_shared_secret_signs_and_is_never_published(db, time):
    await a_server(db, time).tend()
    shared = shared_key("a-secret-that-all-guards-share-0123456789")
    one = a_server(db, time, KeyPlan(Algorithm.HS256, PLAN.interval, PLAN.cache), shared=shared)

    await one.tend()

    assert one.signing is shared
    assert shared.kid in one.verifying
    assert shared.kid not in [key.kid for key in one.published]
    assert len(one.published) == 2  # whose tokens still live


async def test_no_key_is_made_where_a_shared_secret_signs(db, time):
    shared = shared_key("a-secret-that-all-guards-share-0123456789")
    one = a_server(db, time, KeyPlan(Algorithm.HS256, PLAN.interval, PLAN.cache), shared=shared)

    await one.tend()

    assert one.published == ()
    assert await states(db) == []


async def test_a_key_that_the_version_before_made_is_read_and_goes_the_same_way(db, time):
    made = make_key(Algorithm.EDDSA)
    sealed = sealing("seal").close(packed(made), identity_of("signing_keys", made.kid))
    await db.fetchrow(
        "INSERT INTO signing_keys (kid, algorithm, sealed, state, created_at) VALUES ($1, 'EdDSA', $2, 'active', $3)",
        made.kid,
        sealed,
        time.now,
    )
    one = a_server(db, time)

    await one.tend()
    assert one.signing.kid == made.kid
    old = await db.fetchrow("SELECT kid, sealed FROM signing_keys WHERE state = 'active'")  # as that version reads it
    assert tuple(old) == (made.kid, sealed)
    time.goes(PLAN.interval)
    await one.tend()

    assert [key.kid for key in one.published][-1] == made.kid
    assert one.verifying[made.kid].jwk == made.verifying.jwk


@pytest.mark.requirement(41)
async def test_a_key_that_does_not_open_is_told_and_the_others_stay_in_use(db, time):
    one = a_server(db, time)
    await one.tend()
    first = one.signing.kid
    stranger = a_server(db, time, seal=sealing("other"))

    with pytest.raises(KeysUnreadableError, match="GATEPOST_SEALING_KEYS"):
        await stranger.tend()

    later = sealing("other", "seal")
    time.goes(PLAN.interval)
    await a_server(db, time, seal=later).tend()  # its next key is sealed under a key that the first server lacks
    with pytest.raises(KeysUnreadableError):
        await one.tend()
    assert first in one.verifying
    assert one.signing.kid in one.verifying


async def test_a_server_whose_key_was_revoked_and_that_opens_no_other_signs_nothing(db, time):
    one = a_server(db, time)
    await one.tend()
    later = sealing("other", "seal")
    for _ in range(2):
        await signing_keys.revoke(db, await kid_of(db, KeyState.ACTIVE), time.now)
        await a_server(db, time, seal=later).tend()

    with pytest.raises(KeysUnreadableError):
        await one.tend()

    with pytest.raises(RuntimeError, match="no key"):
        _ = one.signing


async def test_keys_whose_stored_halves_were_changed_are_not_believed(db, time):
    await a_server(db, time).tend()
    forged = make_key(Algorithm.EDDSA)
    await db.fetchrow(
        "UPDATE signing_keys SET public_jwk = $1 WHERE state = 'next' RETURNING kid",
        f'{{"kty": "OKP", "crv": "Ed25519", "x": "{forged.verifying.jwk["x"]}"}}',
    )
    one = a_server(db, time)

    with pytest.raises(KeysUnreadableError, match="of another key"):
        await one.tend()

    assert len(one.verifying) == 1
    assert one.signing.kid in one.verifying


async def test_loaded_keys_stay_in_use_while_the_database_is_away(keys_url, time, sql):
    async with connected(keys_url, size=2) as database:
        one = a_server(database, time)
        await one.tend()
        kids = set(one.verifying)
        await sql.execute("ALTER DATABASE keys_of_tests ALLOW_CONNECTIONS false")
        await sql.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'keys_of_tests'")
        await asyncio.sleep(0.05)  # until the connections have noticed

        with pytest.raises(DatabaseUnavailableError):
            await one.tend()
        await sql.execute("ALTER DATABASE keys_of_tests ALLOW_CONNECTIONS true")

        assert set(one.verifying) == kids
        assert one.signing.kid in kids


class Counting:
    """A database that counts what is asked of it."""

    def __init__(self, db):
        self._db = db
        self.asked = 0

    async def fetch(self, sql, *arguments):
        self.asked += 1
        return await self._db.fetch(sql, *arguments)

    async def fetchrow(self, sql, *arguments):
        return await self._db.fetchrow(sql, *arguments)


@pytest.mark.requirement(34)
async def test_unknown_keys_are_looked_for_once_a_second_however_many_tokens_name_them(db, time):
    counted = Counting(db)
    one = a_server(counted, time)
    await one.tend()
    before = counted.asked

    await asyncio.gather(*(one.look_again() for _ in range(200)))

    assert counted.asked - before == 1


class Slow(Counting):
    """A database whose first answer comes late."""

    def __init__(self, db):
        super().__init__(db)
        self.go_on = asyncio.Event()

    async def fetch(self, sql, *arguments):
        first = not self.asked
        rows = await super().fetch(sql, *arguments)
        if first:
            await self.go_on.wait()
        return rows


@pytest.mark.requirement(40)
async def test_an_answer_that_comes_late_brings_no_revoked_key_back(db, time):
    await a_server(db, time).tend()
    slow = Slow(db)
    one = a_server(slow, time)
    late = asyncio.create_task(one.tend())
    await asyncio.sleep(0.05)
    revoked = await kid_of(db, KeyState.NEXT)
    await signing_keys.revoke(db, revoked, time.now)
    await one.look_again()

    slow.go_on.set()
    await late

    assert revoked not in one.verifying


async def test_who_brings_a_new_key_while_the_keys_are_loaded_waits_for_them(db, time):
    one, other = a_server(db, time), a_server(db, time)
    await one.tend()
    await signing_keys.revoke(db, one.signing.kid, time.now)
    await other.tend()

    async def knows():
        await one.look_again()
        return {key.kid for key in other.published} <= set(one.verifying)

    assert all(await asyncio.gather(*(knows() for _ in range(20))))
