"""A real PostgreSQL, a real server and both doors to it, shared by all tests; every test starts empty."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import grpc
import pytest

from auth_server.app import RunningServer, running
from auth_server.settings import AuthServerSettings
from auth_server.storage import audit_chain
from auth_server.storage.database import Database, connected
from auth_server.storage.migrations import migrate
from gatepost_cli.embedded_postgres import EmbeddedPostgres
from http_gateway.app import running as running_gateway
from http_gateway.settings import GatewaySettings
from tests.mailbox import Mailbox
from tests.people import People
from tests.resets import Resets
from tests.rest import Rest

pytest_plugins = ["tests.skips", "tests.throttled"]

ADAPTER_SECRET = "tests-adapter-secret-0123456789abcdef"
PREVIOUS_SECRET = "tests-adapter-secret-of-before-56789abcdef"
# The others empty with these.
EMPTIED = (
    "users",
    "revocations",  # also those of the users who are gone
    "verification_tokens",
    "services",
    "outbox",
    "mail_allowances",
    "budgets",
    "audit_events",
    "audit_pending",
    "audit_links",
    "audit_checkpoints",
    "audit_keys",
    "images",
    "imports",
    "passkey_challenges",  # those to sign in are nobody's
)
IMAGES_AT = "https://auth.example.org/images"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "100"}


class Clock:
    """The time that the server under test sees; a test may move it, or stop it."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        now = (self.stopped_at or datetime.now(UTC)) + self.ahead
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def advance(self, by: timedelta) -> None:
        self.ahead += by


def key_ring(name: str) -> str:
    """A key ring of one key, the same in every run."""
    return f"{name}:{base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()}"


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
    connection = await asyncpg.connect(database_url)
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
    connection = await asyncpg.connect(keys_database)
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


@pytest.fixture(scope="session")
async def shared_server(settings: AuthServerSettings, shared_clock: Clock) -> AsyncIterator[RunningServer]:
    before = asyncio.all_tasks()
    async with running(settings, shared_clock) as server:
        keep_out_of_the_log(asyncio.all_tasks() - before)
        yield server


def keep_out_of_the_log(tasks: set[asyncio.Task[Any]]) -> None:
    """What a server does in the background says nothing into the log of whichever test runs meanwhile."""

    def is_of_a_test(_: logging.LogRecord) -> bool:
        try:
            return asyncio.current_task() not in tasks
        except RuntimeError:  # logged where no loop runs
            return True

    for name in list(logging.root.manager.loggerDict):
        if name.startswith("auth_server."):
            logging.getLogger(name).addFilter(is_of_a_test)


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


@pytest.fixture(params=["one process", "two processes"])
def rest(
    request: pytest.FixtureRequest,
    shared_gateways: dict[str, str],
    shared_http: aiohttp.ClientSession,
    people: People,
) -> Rest:
    """A client of the gateway, once in one process with the server and once beside it, on an empty database."""
    return Rest(shared_http, shared_gateways[request.param], ADAPTER_SECRET, people)
