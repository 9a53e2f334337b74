"""An upgrade under traffic: the version before serves, the database is migrated, new servers come, old ones go."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import grpc
import pytest
from pydantic import SecretStr

from auth_server.app import running
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import connected
from auth_server.storage.migrations import all_migrations, migrate, pending
from tests.archives import unpack
from tests.audit import chained, verification
from tests.cli.command import COMMAND, QUICK, ROOT, environment
from tests.cli.serving import COMPLETE, SECRET, serving_anew, told_by
from tests.people import People
from tests.traffic import Traffic

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ROWS = """
    INSERT INTO users (id, email, created_at, updated_at)
    SELECT gen_random_uuid(), 'row' || number || '@example.org', now(), now() FROM generate_series(1, 10000) AS number;
    INSERT INTO sessions (token_hash, id, user_id, expires)
    SELECT sha256(id::text::bytea), id, id, now() + interval '1 day' FROM users
    """
FOLDER = "auth_server/storage/migrations"
MIGRATIONS = 4
"""How many the version before lacks, as long as there is no release to take it from."""


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def version_before() -> str:
    """The commit of the last release with fewer migrations; as long as there is none, of the time before the newest."""
    added = git("log", "--format=%H", "--diff-filter=A", "--", f"{FOLDER}/*.sql").decode().split()
    released = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0", "--match", "v*", f"{added[0]}^"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return released.stdout.strip() or f"{added[MIGRATIONS - 1]}^"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the code of the version before."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("the version before is taken from git, and this is no clone: run the tests in one")
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        pytest.skip("the version before is not in this clone: run git fetch --unshallow --tags")
    folder = tmp_path_factory.mktemp("version before")
    code = git("archive", version_before(), "auth_server", "gatepost_cli", "http_gateway", "generated")
    with tarfile.open(fileobj=io.BytesIO(code)) as archive:
        unpack(archive, folder)
    return folder


@pytest.fixture
def on_before(before: Path, settings: AuthServerSettings, url: str) -> dict[str, str]:
    """The environment of the version before, on a database of its own."""
    keys = {"GATEPOST_SEALING_KEYS": settings.sealing_keys.get_secret_value(), "GATEPOST_DATABASE_URL": url}
    return {**COMPLETE, **QUICK, **keys, "PYTHONPATH": f"{before}:{before / 'generated'}"}


@pytest.fixture
async def url(owner_connection: asyncpg.Connection, database_url: str) -> AsyncIterator[str]:
    """The URL of an empty database."""
    await owner_connection.execute("CREATE DATABASE upgraded TEMPLATE template0")
    yield database_url.replace("/postgres?", "/upgraded?")
    await owner_connection.execute("DROP DATABASE upgraded WITH (FORCE)")


@pytest.fixture
def old_target(on_before: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Where a server of the version before serves, on the schema that it knows."""
    # Started anew: a fork would bring the code of this version along.
    subprocess.run([*COMMAND, "migrate"], env=environment(**on_before), check=True, timeout=30)
    with serving_anew("auth", tmp_path / "log", **on_before):
        yield told_by(tmp_path / "log", "grpc_target")


@pytest.mark.requirement(64)
async def test_no_call_fails_while_an_old_server_a_migration_and_a_new_server_follow_each_other(
    old_target: str, url: str, settings: AuthServerSettings
) -> None:
    sql = await asyncpg.connect(url)
    await sql.execute(ROWS)
    missing = await pending(url)
    assert missing
    assert missing[-1] == all_migrations()[-1].name
    new_settings = AuthServerSettings(
        **settings.model_dump(exclude={"database_url", "adapter_secret"}),
        database_url=SecretStr(url),
        adapter_secret=SecretStr(SECRET),
    )
    traffic = Traffic()
    async with AsyncExitStack() as stack:

        async def people_at(target: str) -> People:
            return People(await stack.enter_async_context(grpc.aio.insecure_channel(target)), SECRET)

        old = await people_at(old_target)
        traffic.servers = [old]
        await traffic.start(people=4)
        await traffic.after(rounds=12)

        assert await migrate(url) == missing
        await traffic.after(rounds=12)

        server = await stack.enter_async_context(running(new_settings))
        new = await people_at(server.grpc_target)
        traffic.servers = [old, new]
        await traffic.after(rounds=24)

        traffic.servers = [new]
        await traffic.after(rounds=12)
        await traffic.stop()

    async with connected(url, size=2) as db:
        await chained(db, sql)
        assert (await verification(db).verdict()).faults == []
    assert await sql.fetchval("SELECT count(*) FROM audit_events WHERE event = 'refresh-token-reused'") == 0
    await sql.close()
