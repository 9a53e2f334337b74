"""Two `gatepost serve auth` on one database, of which one may be killed at any moment."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import grpc
import pytest

from auth_server.settings import AuthServerSettings
from tests.cli.command import QUICK
from tests.cli.forked import Forked
from tests.cli.serving import COMPLETE, SECRET, serving, told_by
from tests.people import People, SignedIn, refresh
from tests.waiting import backends_that_wait, until

pytestmark = pytest.mark.timeout(180)

CALLS, POOL = 50, 8
LIVING = """
    SELECT count(*)
      FROM refresh_tokens
      JOIN refresh_families ON refresh_families.id = refresh_tokens.family_id
     WHERE refresh_families.ended_at IS NULL AND refresh_tokens.used_at IS NULL
    """


@dataclass
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[bytes] | Forked
    target: str

    def kill(self) -> None:
        """Ends it as `kill -9` does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def started(number: int, settings: AuthServerSettings) -> Iterator[list[Server]]:
    """So many servers, started at once."""
    url, keys = settings.database_url.get_secret_value(), settings.sealing_keys.get_secret_value()
    own = {**COMPLETE, **QUICK, "GATEPOST_DATABASE_URL": url, "GATEPOST_SEALING_KEYS": keys}
    own["GATEPOST_DATABASE_POOL_SIZE"] = str(POOL)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        logs = [Path(folder) / str(index) for index in range(number)]
        processes = [stack.enter_context(serving("auth", log, **own)) for log in logs]
        yield [Server(process, told_by(log, "grpc_target")) for process, log in zip(processes, logs, strict=True)]


@pytest.fixture(scope="module")
def survivor(settings: AuthServerSettings, database_url: str) -> Iterator[Server]:
    """The server that stays."""
    with started(1, settings) as [server]:
        yield server


@pytest.fixture
def victim(settings: AuthServerSettings, survivor: Server) -> Iterator[Server]:
    """The server that may be killed."""
    with started(1, settings) as [server]:
        yield server


@asynccontextmanager
async def people_at(server: Server) -> AsyncIterator[People]:
    async with grpc.aio.insecure_channel(server.target) as channel:
        yield People(channel, SECRET)


@pytest.fixture
async def here(survivor: Server, sql: asyncpg.Connection) -> AsyncIterator[People]:
    async with people_at(survivor) as people:
        yield people


@pytest.fixture
async def there(victim: Server) -> AsyncIterator[People]:
    async with people_at(victim) as people:
        yield people


async def goes_on(people: People, sql: asyncpg.Connection, signed_in: SignedIn, token: str) -> None:
    """The sign-in is the only one and refreshes; its owner may log in again as well."""
    assert await sql.fetchval("SELECT count(*) FROM refresh_tokens") == 2
    assert await sql.fetchval(LIVING) == 1
    assert await refresh(people, token)
    assert await people.login(signed_in.email)


@pytest.mark.requirement(38)
async def test_fifty_refreshes_over_two_servers_get_one_pair_though_one_is_killed(
    here: People, there: People, victim: Server, sql: asyncpg.Connection
) -> None:
    signed_in = await here.signed_in()
    token = signed_in.refresh_token
    async with sql.transaction():
        # All of them come as far as the write, and wait there; those of the victim are the first.
        await sql.execute("SELECT FROM refresh_tokens FOR UPDATE")
        lost = [asyncio.ensure_future(refresh(there, token)) for _ in range(CALLS // 2)]
        await backends_that_wait(sql, POOL)
        kept = [asyncio.ensure_future(refresh(here, token)) for _ in range(CALLS // 2)]
        await backends_that_wait(sql, 2 * POOL)
        victim.kill()
        refusals = await asyncio.gather(*lost, return_exceptions=True)

    pairs = await asyncio.gather(*kept)
    retried = await asyncio.gather(*(refresh(here, token) for _ in lost))

    assert {type(refusal) for refusal in refusals} == {grpc.aio.AioRpcError}
    assert len({pair.SerializeToString(deterministic=True) for pair in [*pairs, *retried]}) == 1
    await goes_on(here, sql, signed_in, pairs[0].refresh_token)


@pytest.mark.requirement(38)
@pytest.mark.parametrize(("lock", "rows_then"), [("ACCESS EXCLUSIVE", 1), ("SHARE", 2)], ids=["reads", "has committed"])
async def test_a_server_killed_while_it(
    here: People, there: People, victim: Server, sql: asyncpg.Connection, lock: str, rows_then: int
) -> None:
    """Its backend does the statement that waits, and finds nobody to tell."""
    warm = await there.signed_in()
    await refresh(there, warm.refresh_token)  # so that the statements are prepared
    await sql.execute("DELETE FROM users")
    signed_in = await here.signed_in()
    async with sql.transaction():
        await sql.execute(f"LOCK TABLE refresh_tokens IN {lock} MODE")
        lost = asyncio.ensure_future(refresh(there, signed_in.refresh_token))
        await backends_that_wait(sql)
        victim.kill()
        with pytest.raises(grpc.aio.AioRpcError):
            await lost
    await until(lambda: sql.fetchval("SELECT count(*) = $1 FROM refresh_tokens", rows_then))

    pair = await refresh(here, signed_in.refresh_token)

    await goes_on(here, sql, signed_in, pair.refresh_token)


@pytest.mark.slow
@pytest.mark.requirement(38)
async def test_everybody_goes_on_when_a_busy_server_is_killed(
    here: People, there: People, victim: Server, sql: asyncpg.Connection
) -> None:
    latest = [(await here.signed_in()).refresh_token for _ in range(8)]
    rounds = asyncio.Event()

    async def keep_refreshing(index: int) -> None:
        """Until the server is gone; what the last answer said is what the client still has."""
        for done in range(10_000):
            if done == 10:
                rounds.set()
            latest[index] = (await refresh(there, latest[index])).refresh_token

    clients = [asyncio.ensure_future(keep_refreshing(index)) for index in range(len(latest))]
    await rounds.wait()
    victim.kill()
    await asyncio.gather(*clients, return_exceptions=True)

    pairs = await asyncio.gather(*(refresh(here, token) for token in latest))

    assert await sql.fetchval(LIVING) == len(latest)
    assert await asyncio.gather(*(refresh(here, pair.refresh_token) for pair in pairs))
