"""A database that says nothing any more, as behind a network that went away."""

import asyncio
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from auth_server.storage.database import connected


@asynccontextmanager
async def a_way_to(socket, hears):
    """The URL of a database that is reached by way of us, who pass on its answers while it `hears`."""

    async def pass_on(reader, writer):
        while data := await reader.read(65536):
            await hears.wait()
            writer.write(data)

    async def serve(reader, writer):
        inner_reader, inner_writer = await asyncio.open_unix_connection(socket)
        async with asyncio.TaskGroup() as both:
            both.create_task(pass_on(reader, inner_writer)).add_done_callback(lambda _: inner_writer.close())
            both.create_task(pass_on(inner_reader, writer)).add_done_callback(lambda _: writer.close())

    with tempfile.TemporaryDirectory() as folder:
        async with await asyncio.start_unix_server(serve, Path(folder, ".s.PGSQL.5432")):
            yield folder


@pytest.mark.requirement(7)
@pytest.mark.timeout(180)
async def test_a_call_ends_in_time_though_its_cancelling_is_not_answered(database_url):
    folder = database_url.partition("host=")[2].partition("&")[0]
    hears = asyncio.Event()
    hears.set()
    async with (
        a_way_to(f"{folder}/.s.PGSQL.5432", hears) as way,
        connected(database_url.replace(folder, way), size=1) as database,
    ):
        await database.fetchrow("SELECT 1 AS one")
        hears.clear()

        began = asyncio.get_running_loop().time()
        asyncio.get_running_loop().call_later(5, hears.set)  # else it would wait for ever
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await database.fetchrow("SELECT 2 AS two")

        assert asyncio.get_running_loop().time() - began < 3
        hears.set()
        assert (await database.fetchrow("SELECT 3 AS three"))["three"] == 3


@pytest.mark.requirement(8)
@pytest.mark.timeout(180)
async def test_whoever_asks_whether_it_is_there_learns_in_time_that_it_is_not(database_url):
    folder = database_url.partition("host=")[2].partition("&")[0]
    hears = asyncio.Event()
    hears.set()
    async with (
        a_way_to(f"{folder}/.s.PGSQL.5432", hears) as way,
        connected(database_url.replace(folder, way), size=1) as database,
    ):
        assert await database.is_reachable()
        hears.clear()
        asyncio.get_running_loop().call_later(5, hears.set)  # else it would wait for ever

        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await database.is_reachable()

        assert asyncio.get_running_loop().time() - began < 3
        hears.set()
        assert await database.is_reachable()
