import asyncio
import contextlib

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from auth_server.app import StartError, running
from tests.people import People

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def status(channel, service=""):
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    return answer.status


async def until(condition, seconds=30):
    """Waits for the condition, at most so long."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("service", ["", "gatepost.v1.AdapterService", "gatepost.v1.UsersService"])
async def test_a_server_with_its_database_serves(channel, service):
    assert await status(channel, service) == SERVING


async def test_the_health_of_an_unknown_service_is_not_known(channel):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await status(channel, "gatepost.v1.Nothing")

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_health_follows_the_database(settings, database_url, sql):
    await sql.execute("DROP DATABASE IF EXISTS leaving")
    await sql.execute("CREATE DATABASE leaving TEMPLATE template0")
    url = database_url.replace("/postgres?", "/leaving?")
    from auth_server.storage.migrations import migrate

    await migrate(url)
    leaving = settings.model_copy(update={"database_url": type(settings.database_url)(url), "reflection": False})
    async with running(leaving) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        assert await status(channel) == SERVING

        await sql.execute("ALTER DATABASE leaving ALLOW_CONNECTIONS false")
        await sql.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'leaving'")
        await until(lambda: is_(channel, NOT_SERVING))
        check = server.channel.unary_unary("/grpc.health.v1.Health/Check")
        assert (await check(health_pb2.HealthCheckRequest())).status == NOT_SERVING

        await sql.execute("ALTER DATABASE leaving ALLOW_CONNECTIONS true")
        await until(lambda: is_(channel, SERVING))
    await sql.execute("DROP DATABASE leaving")


async def is_(channel, wanted):
    return await status(channel) == wanted


async def test_a_draining_server_finishes_the_calls_under_way_and_takes_no_more(settings, server):
    slow = settings.model_copy(update={"bcrypt_cost": 12, "reflection": False})
    stack = contextlib.AsyncExitStack()
    draining = await stack.enter_async_context(running(slow))
    async with grpc.aio.insecure_channel(draining.grpc_target) as channel:
        people = People(channel, "")
        await channel.channel_ready()
        under_way = asyncio.ensure_future(people.registered(email="ann@example.org"))
        await asyncio.sleep(0.1)

        await stack.aclose()

        assert await under_way == "ann@example.org"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await people.registered()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def listed(target):
    """The services that reflection lists."""
    with grpc.insecure_channel(target) as channel:
        return set(ProtoReflectionDescriptorDatabase(channel).get_services())


async def test_reflection_lists_the_contract(server):
    services = await asyncio.to_thread(listed, server.grpc_target)

    assert services >= {
        "gatepost.v1.AdapterService",
        "gatepost.v1.AuthService",
        "gatepost.v1.KeysService",
        "gatepost.v1.UsersService",
        "grpc.health.v1.Health",
    }


async def test_reflection_finds_services_messages_and_methods(server):
    def files_of(*symbols):
        with grpc.insecure_channel(server.grpc_target) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            return [database.FindFileContainingSymbol(symbol).name for symbol in symbols]

    symbols = ("gatepost.v1.UsersService", "gatepost.v1.GetUserRequest", "gatepost.v1.UsersService.GetUser")
    assert await asyncio.to_thread(files_of, *symbols) == ["gatepost/v1/users_service.proto"] * 3
    with pytest.raises(KeyError):
        await asyncio.to_thread(files_of, "gatepost.v1.UsersService.Nothing")


async def test_reflection_is_off_unless_a_setting_says_so(settings):
    assert type(settings).model_fields["reflection"].default is False
    async with running(settings.model_copy(update={"reflection": False})) as server:
        with pytest.raises(grpc.RpcError) as caught:
            await asyncio.to_thread(listed, server.grpc_target)

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_taken_port_is_told_in_one_sentence(server, settings):
    taken = settings.model_copy(update={"grpc_port": server.grpc_port})

    with pytest.raises(StartError, match="in use"):
        async with running(taken):
            pass


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("postgresql://gatepost:secret@127.0.0.1:1/none", "GATEPOST_DATABASE_URL"),
        ("not a url", "GATEPOST_DATABASE_URL"),
    ],
)
async def test_a_database_that_cannot_be_reached_is_told_without_its_password(settings, url, complaint):
    elsewhere = settings.model_copy(update={"database_url": type(settings.database_url)(url)})

    with pytest.raises(StartError, match=complaint) as caught:
        async with running(elsewhere):
            pass

    assert "secret" not in str(caught.value)


async def test_a_database_without_its_migrations_is_told(settings, database_url, sql):
    await sql.execute("DROP DATABASE IF EXISTS bare")
    await sql.execute("CREATE DATABASE bare TEMPLATE template0")
    bare = settings.model_copy(
        update={"database_url": type(settings.database_url)(database_url.replace("/postgres?", "/bare?"))}
    )

    with pytest.raises(StartError, match="gatepost migrate"):
        async with running(bare):
            pass
    await sql.execute("DROP DATABASE bare")


async def test_a_server_that_was_told_to_drain_says_so_and_still_serves(settings, sql):
    plain = settings.model_copy(update={"reflection": False})
    async with running(plain) as draining, grpc.aio.insecure_channel(draining.grpc_target) as channel:
        await draining.drain()

        assert await status(channel) == NOT_SERVING
        assert await People(channel, "").registered()
