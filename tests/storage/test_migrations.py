import asyncio
from contextlib import asynccontextmanager

import asyncpg
import pytest

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.storage import migrations
from auth_server.storage.migrations import (
    Migration,
    MigrationBlockedError,
    MigrationChangedError,
    all_migrations,
    migrate,
    pending,
)


@pytest.fixture
async def bare_url(database_url, owner_connection):
    """The URL of a database without any table."""
    await owner_connection.execute("CREATE DATABASE bare_for_migrations TEMPLATE template0")
    yield database_url.replace("/postgres?", "/bare_for_migrations?")
    await owner_connection.execute("DROP DATABASE bare_for_migrations WITH (FORCE)")


async def test_a_bare_database_gets_every_migration_once(bare_url):
    names = [each.name for each in all_migrations()]

    assert await pending(bare_url) == names
    assert await migrate(bare_url) == names
    assert await migrate(bare_url) == await pending(bare_url) == []


async def test_servers_that_migrate_at_once_take_turns(bare_url, monkeypatch):
    monkeypatch.setattr(migrations, "LONGEST_PAUSE_SECONDS", 0.05)
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


@asynccontextmanager
async def connected_to(url):
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
def only(monkeypatch):
    """Makes these the only migrations there are."""

    def give(*files):
        monkeypatch.setattr(migrations, "all_migrations", lambda: [Migration(*file) for file in files])

    return give


TABLE = ("0001_table.sql", "CREATE TABLE words (word text)")
COLUMN = ("0002_column.sql", "ALTER TABLE words ADD COLUMN length integer")
INDEX = ("0002_index.sql", "-- To find it.\nCREATE UNIQUE INDEX CONCURRENTLY words_idx ON words (word);")


@pytest.mark.requirement(64)
async def test_a_migration_gives_way_to_others_again_and_again_until_its_table_is_free(bare_url, only, monkeypatch):
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_SECONDS", 0.05)
    only(TABLE)
    await migrate(bare_url)
    only(TABLE, COLUMN)
    async with connected_to(bare_url) as holder, connected_to(bare_url) as other:
        await other.execute("SET statement_timeout = '1s'")
        async with holder.transaction():
            await holder.fetch("SELECT word FROM words")
            migrating = asyncio.ensure_future(migrate(bare_url))
            for _ in range(20):
                await other.fetch("SELECT word FROM words")
                await asyncio.sleep(0.02)
            assert not migrating.done()

        assert await migrating == ["0002_column.sql"]


@pytest.mark.requirement(64)
async def test_a_migration_whose_table_stays_locked_says_so_in_the_end(bare_url, only, monkeypatch):
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_SECONDS", 0.02)
    monkeypatch.setattr(migrations, "PATIENCE_SECONDS", 0.3)
    only(TABLE)
    await migrate(bare_url)
    only(TABLE, COLUMN)
    async with connected_to(bare_url) as holder, holder.transaction():
        await holder.fetch("SELECT word FROM words")

        with pytest.raises(MigrationBlockedError, match=r"0002_column\.sql could not be applied"):
            await migrate(bare_url)


@pytest.mark.requirement(64)
async def test_an_index_is_made_concurrently_while_others_write_and_others_migrate(bare_url, only):
    only(TABLE)
    await migrate(bare_url)
    only(TABLE, INDEX)
    async with connected_to(bare_url) as writer:
        async with writer.transaction():
            await writer.execute("INSERT INTO words VALUES ('a')")
            migrating = [asyncio.ensure_future(migrate(bare_url)) for _ in range(3)]
            await asyncio.sleep(0.2)
            # It waits for us; nobody waits for it.
            async with connected_to(bare_url) as other:
                await other.execute("SET statement_timeout = '1s'; INSERT INTO words VALUES ('b')")
            assert not any(each.done() for each in migrating)

        assert sorted(await asyncio.gather(*migrating)) == [[], [], ["0002_index.sql"]]
        assert await writer.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'words_idx'::regclass")


@pytest.mark.requirement(64)
async def test_an_index_that_could_not_be_made_is_made_anew(bare_url, only):
    only(TABLE)
    await migrate(bare_url)
    only(TABLE, INDEX)
    async with connected_to(bare_url) as sql:
        await sql.execute("INSERT INTO words VALUES ('a'), ('a')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await migrate(bare_url)
        assert await sql.fetchval("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'words_idx'::regclass")
        await sql.execute("DELETE FROM words")

        assert await migrate(bare_url) == ["0002_index.sql"]
        assert await sql.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'words_idx'::regclass")


def test_migrations_are_numbered_without_a_gap():
    numbers = [int(each.name[:4]) for each in all_migrations()]

    assert numbers == list(range(1, len(numbers) + 1))
