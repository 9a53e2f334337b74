"""A Gatepost for a long run of random calls: both forms of the gateway, on a database of its own."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import grpc

from auth_server.app import RunningServer, running, utc_now
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import connected
from auth_server.storage.migrations import migrate
from gatepost_cli.embedded_postgres import EmbeddedPostgres
from http_gateway.app import running as running_gateway
from http_gateway.settings import GatewaySettings
from tests.conftest import ADAPTER_SECRET, FAST, key_ring
from tests.fuzz.callers import Callers
from tests.mailbox import Mailbox
from tests.passkeys import ORIGIN, RP_ID
from tests.people import People


@dataclass(frozen=True, slots=True)
class Gatepost:
    """What runs, and who calls it."""

    server: RunningServer
    channel: grpc.aio.Channel
    urls: dict[str, str]
    callers: Callers


@asynccontextmanager
async def running_gatepost() -> AsyncIterator[Gatepost]:
    """Gatepost on loopback, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="gatepost-fuzz-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # noqa: ASYNC240 (nothing waits); started by root, PostgreSQL runs as a user who must get through
        with EmbeddedPostgres(folder / "postgres", conf=FAST) as postgres:
            await migrate(postgres.dsn)
            async with _running(_settings(postgres.dsn, folder), postgres.dsn) as gatepost:
                yield gatepost


def _settings(database_url: str, folder: Path) -> AuthServerSettings:
    given: dict[str, Any] = {
        "database_url": database_url,
        "adapter_secret": ADAPTER_SECRET,
        "peppers": key_ring("pepper"),
        "sealing_keys": key_ring("seal"),
        "grpc_port": 0,
        "grpc_insecure": True,
        "environment": "test",
        "bcrypt_cost": 4,
        "image_store": (folder / "images").as_uri(),
        "image_base_url": "https://auth.example.org/images",
        "passkey_rp_id": RP_ID,
        "passkey_origins": ORIGIN,
        "mail_from": "Gatepost <no-reply@example.org>",
        "link_base_url": "https://app.example.org",
    }
    return AuthServerSettings(**given)


@asynccontextmanager
async def _running(settings: AuthServerSettings, database_url: str) -> AsyncIterator[Gatepost]:
    async with (
        running(settings) as server,
        grpc.aio.insecure_channel(server.grpc_target) as channel,
        running_gateway(GatewaySettings(http_port=0), server.channel) as one,
        running_gateway(GatewaySettings(http_port=0), channel) as two,
        connected(database_url, size=2) as database,
    ):
        sql = await asyncpg.connect(database_url)
        people = People(channel, ADAPTER_SECRET)
        callers = Callers(people, sql, Mailbox(database, sql, settings, utc_now))
        yield Gatepost(server, channel, {"one process": one.http_url, "two processes": two.http_url}, callers)
        await sql.close()
