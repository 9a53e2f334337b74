import shutil
import socket
import stat
import tempfile
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from auth_server.app import StartError, running

pytestmark = pytest.mark.timeout(180)  # each starts a server of its own


async def health(channel):
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=3)
    return answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.fixture
def socket_path():
    folder = Path(tempfile.mkdtemp(prefix="gatepost"))  # pytest's own paths are longer than a socket's may be
    yield folder / "grpc.sock"
    shutil.rmtree(folder)


def on(socket_path, settings):
    return settings.model_copy(update={"grpc_insecure": False, "grpc_host": f"unix:{socket_path}"})


@pytest.mark.requirement(1)
async def test_a_unix_socket_is_private_and_needs_no_tls(settings, socket_path):
    async with running(on(socket_path, settings)) as server:
        assert server.grpc_target == f"unix:{socket_path}"
        assert stat.S_IMODE(socket_path.stat().st_mode) == 0o600
        async with grpc.aio.insecure_channel(server.grpc_target) as channel:
            assert await health(channel)

    assert not socket_path.exists()


async def test_the_socket_of_a_server_that_was_killed_is_taken_over(settings, socket_path):
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(socket_path))
        killed.listen()

    async with running(on(socket_path, settings)) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        assert await health(channel)


async def test_the_socket_of_a_living_server_is_left_alone(settings, socket_path):
    async with running(on(socket_path, settings)) as server:
        with pytest.raises(StartError, match="is it in use"):
            async with running(on(socket_path, settings)):
                pass

        async with grpc.aio.insecure_channel(server.grpc_target) as channel:
            assert await health(channel)


async def test_what_is_no_socket_is_left_alone(settings, socket_path):
    socket_path.write_text("mine")

    with pytest.raises(StartError, match="choose another GATEPOST_GRPC_HOST"):
        async with running(on(socket_path, settings)):
            pass

    assert socket_path.read_text() == "mine"


async def test_a_socket_in_a_folder_that_is_not_there_stops_the_start(settings, socket_path):
    with pytest.raises(StartError, match="cannot listen"):
        async with running(on(socket_path / "deeper", settings)):
            pass
