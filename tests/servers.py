"""A real PostgreSQL, a real server and both doors to it, shared by all tests; every test starts empty."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import grpc
import pytest

from auth_server import auditing, hashing, imaging, signing, sweeping
from auth_server.app import RunningServer, running
from auth_server.settings import AuthServerSettings
from auth_server.storage import audit_chain
from auth_server.storage.database import Database, connected
from auth_server.storage.migrations import migrate
from gatepost_cli.embedded_postgres import EmbeddedPostgres
from http_gateway.app import running as running_gateway
from http_gateway.settings import GatewaySettings
from tests.conftest import ADAPTER_SECRET, EMPTIED, FAST, IMAGES_AT, PREVIOUS_SECRET, Clock, key_ring
from tests.mailbox import Mailbox
from tests.people import People
from tests.resets import Resets
from tests.rest import Rest
from tests.waiting import told_connection

BY_ITSELF = (
    (auditing, "CHAIN_EVERY"),
    (auditing, "FORGET_EVERY"),
    (hashing, "LOOK_EVERY"),
    (imaging, "SWEEP_EVERY"),
    (signing, "RELOAD_EVERY"),
    (sweeping, "SWEEP_EVERY"),
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="gatepost-tests-"))
    folder.chmod(0o711)  # as root the server runs as another user, who must get through
    with EmbeddedPostgres(folder / "postgres", conf=FAST) as server:
        yield server
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def database_url(postgres: EmbeddedPostgres) -> str:
    await migrate(postgres.dsn)
    return postgres.dsn


@pytest.fixture(scope="session")
async def shared_database(database_url: str) -> AsyncIterator[Database]:
    async with connected(database_url, size=8) as database:
        yield database


@pytest.fixture(scope="session")
async def owner_connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await told_connection(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def sql(owner_connection: asyncpg.Connection) -> asyncpg.Connection:
    """A connection past the server, to an empty database."""
    # Not while a server lets the audit log's chain grow: half of it would stay.
    held = f"SELECT pg_advisory_xact_lock({audit_chain.LOCK});"
    await owner_connection.execute(held + "".join(f"DELETE FROM {table};" for table in EMPTIED))
    return owner_connection


@pytest.fixture(scope="session")
async def keys_database(database_url: str, owner_connection: asyncpg.Connection) -> AsyncIterator[str]:
    """The URL of a migrated database apart, for servers that rotate and revoke their keys."""
    await owner_connection.execute("CREATE DATABASE keys_of_tests TEMPLATE template0")
    url = database_url.replace("/postgres?", "/keys_of_tests?")
    await migrate(url)
    yield url
    await owner_connection.execute("DROP DATABASE keys_of_tests WITH (FORCE)")


@pytest.fixture
async def keys_url(keys_database: str) -> str:
    """The URL of a database without any user or key."""
    connection = await told_connection(keys_database)
    await connection.execute("DELETE FROM users; DELETE FROM signing_keys")
    await connection.close()
    return keys_database


@pytest.fixture
async def db(shared_database: Database, sql: asyncpg.Connection) -> Database:
    """The database, empty."""
    return shared_database


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared server keeps images."""
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="session")
def settings(database_url: str, image_folder: Path) -> AuthServerSettings:
    given: dict[str, Any] = {
        "database_url": database_url,
        "database_pool_size": 8,
        "adapter_secret": ADAPTER_SECRET,
        "adapter_secret_previous": PREVIOUS_SECRET,
        "peppers": key_ring("pepper"),
        "sealing_keys": key_ring("seal"),
        "grpc_port": 0,
        "grpc_insecure": True,
        "environment": "test",
        "bcrypt_cost": 4,
        "reflection": True,
        "mail_from": "Gatepost <no-reply@example.org>",
        "link_base_url": "https://app.example.org",
        "image_store": image_folder.as_uri(),
        "passkey_rp_id": "example.org",
        "passkey_origins": "https://app.example.org,https://www.example.org",
        "image_base_url": IMAGES_AT,
    }
    return AuthServerSettings(**given)


@pytest.fixture(scope="session")
def shared_clock() -> Clock:
    return Clock()


@pytest.fixture
def clock(shared_clock: Clock) -> Iterator[Clock]:
    """The server's clock, which goes right again after the test."""
    yield shared_clock
    shared_clock.ahead = timedelta()
    shared_clock.stopped_at = None


@asynccontextmanager
async def running_still(settings: AuthServerSettings, clock: Clock) -> AsyncIterator[RunningServer]:
    """A server for tests to share: what it does by itself meanwhile neither changes the database nor is logged.

    Else its turns come in the middle of whichever test runs then, and take or hold what that looks at.
    """
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as patched:
            for module, name in BY_ITSELF:
                patched.setattr(module, name, timedelta(days=1))
            server = await stack.enter_async_context(running(settings, clock))
        _keep_out_of_the_log(asyncio.all_tasks() - before)
        yield server


def _keep_out_of_the_log(tasks: set[asyncio.Task[Any]]) -> None:
    def is_of_a_test(_: logging.LogRecord) -> bool:
        try:
            return asyncio.current_task() not in tasks
        except RuntimeError:  # logged where no loop runs
            return True

    for name in list(logging.root.manager.loggerDict):
        if name.startswith("auth_server."):
            logging.getLogger(name).addFilter(is_of_a_test)


@pytest.fixture(scope="session")
async def shared_server(settings: AuthServerSettings, shared_clock: Clock) -> AsyncIterator[RunningServer]:
    async with running_still(settings, shared_clock) as server:
        yield server


@pytest.fixture(scope="session")
async def shared_channel(shared_server: RunningServer) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(shared_server.grpc_target) as channel:
        yield channel


@pytest.fixture
def server(shared_server: RunningServer, db: Database) -> RunningServer:
    """The server, on an empty database."""
    return shared_server


@pytest.fixture
def channel(shared_channel: grpc.aio.Channel, server: RunningServer) -> grpc.aio.Channel:
    """A gRPC channel to the server, on an empty database."""
    return shared_channel


@pytest.fixture
def people(channel: grpc.aio.Channel) -> People:
    """Makes users, sessions and sign-ins through the contract."""
    return People(channel, ADAPTER_SECRET)


@pytest.fixture
def resets(people: People, mailbox: Mailbox) -> Resets:
    """Asks for links that reset a password, and follows them."""
    return Resets(people, mailbox)


@pytest.fixture
def mailbox(db: Database, sql: asyncpg.Connection, settings: AuthServerSettings, clock: Clock) -> Mailbox:
    """What waits in the outbox."""
    return Mailbox(db, sql, settings, clock)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    """Settings of the machine must not reach the tests."""
    for name in [name for name in os.environ if name.startswith("GATEPOST_") and name != "GATEPOST_TESTS_NO_SKIP"]:
        del os.environ[name]


@pytest.fixture(scope="session")
def gateway_settings() -> GatewaySettings:
    return GatewaySettings(http_port=0)


@pytest.fixture(scope="session")
async def shared_gateways(
    shared_server: RunningServer, shared_channel: grpc.aio.Channel, gateway_settings: GatewaySettings
) -> AsyncIterator[dict[str, str]]:
    """A gateway in the server's process, and one that reaches it over its port: their URLs."""
    async with (
        running_gateway(gateway_settings, shared_server.channel) as one,
        running_gateway(gateway_settings, shared_channel) as two,
    ):
        yield {"one process": one.http_url, "two processes": two.http_url}


@pytest.fixture(scope="session")
async def shared_http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture(params=["one process", pytest.param("two processes", marks=pytest.mark.slow)])
def rest(
    request: pytest.FixtureRequest,
    shared_gateways: dict[str, str],
    shared_http: aiohttp.ClientSession,
    people: People,
) -> Rest:
    """A client of the gateway in one process with the server and, where slow tests run, of one beside it; no users."""
    return Rest(shared_http, shared_gateways[request.param], ADAPTER_SECRET, people)
