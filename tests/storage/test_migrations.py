import asyncio

import asyncpg
import pytest

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.storage import migrations
from auth_server.storage.migrations import Migration, MigrationChangedError, all_migrations, migrate, pending


@pytest.fixture
async def bare_url(database_url, owner_connection):
    """The URL of a database without any table."""
    await owner_connection.execute("CREATE DATABASE bare_for_migrations TEMPLATE template0")
    yield database_url.replace("/postgres?", "/bare_for_migrations?")
    await owner_connection.execute("DROP DATABASE bare_for_migrations")


async def test_a_bare_database_gets_every_migration_once(bare_url):
    names = [each.name for each in all_migrations()]

    assert await pending(bare_url) == names
    assert await migrate(bare_url) == names
    assert await migrate(bare_url) == await pending(bare_url) == []


async def test_servers_that_migrate_at_once_take_turns(bare_url):
    applied = await asyncio.gather(*(migrate(bare_url) for _ in range(5)))

    assert sorted(name for names in applied for name in names) == [each.name for each in all_migrations()]


async def test_a_migration_that_fails_leaves_nothing_behind(bare_url, monkeypatch):
    good, bad = (
        Migration("0001_good.sql", "CREATE TABLE good ()"),
        Migration("0002_bad.sql", "CREATE TABLE bad (); nonsense"),
    )
    monkeypatch.setattr(migrations, "all_migrations", lambda: [good, bad])

    with pytest.raises(asyncpg.PostgresSyntaxError):
        await migrate(bare_url)

    assert await pending(bare_url) == ["0002_bad.sql"]
    connection = await asyncpg.connect(bare_url)
    assert await connection.fetchval("SELECT to_regclass('bad')") is None
    await connection.close()


async def test_an_edited_migration_is_refused(bare_url, monkeypatch):
    monkeypatch.setattr(migrations, "all_migrations", lambda: [Migration("0001_a.sql", "CREATE TABLE a ()")])
    await migrate(bare_url)
    monkeypatch.setattr(migrations, "all_migrations", lambda: [Migration("0001_a.sql", "CREATE TABLE b ()")])

    for read in (migrate, pending):
        with pytest.raises(MigrationChangedError, match="0001_a"):
            await read(bare_url)


async def test_a_database_that_is_not_there_is_told():
    for url in ("postgresql://u@127.0.0.1:1/none", "nonsense"):
        with pytest.raises(DatabaseUnavailableError):
            await migrate(url)


def test_migrations_are_numbered_without_a_gap():
    numbers = [int(each.name[:4]) for each in all_migrations()]

    assert numbers == list(range(1, len(numbers) + 1))
