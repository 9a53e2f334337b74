"""The Python client's wheel: what it holds, and that it works alone as well as beside the server's."""

from __future__ import annotations

import sys
import tarfile
import textwrap
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from tests.archives import unpack
from tests.e2e.programs import run
from tests.e2e.test_wheel import ENVIRONMENT, build, folder, names_in

__all__ = ["folder"]

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "clients" / "python"
PACKAGE = PROJECT / "src" / "gatepost_client"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
async def client_wheel(folder: Path) -> Path:
    return await build("wheel", PROJECT, folder / "client")


def in_the_checkout() -> set[str]:
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"gatepost_client/{path.relative_to(PACKAGE)}" for path in files}


async def test_it_holds_the_package_with_its_types_and_nothing_else(client_wheel: Path) -> None:
    ours = {name for name in names_in(client_wheel) if ".dist-info/" not in name}

    assert ours == in_the_checkout()
    assert {"gatepost_client/py.typed", "gatepost_client/contract/token_service_pb2.pyi"} <= ours


async def test_it_says_what_it_is_and_needs(client_wheel: Path) -> None:
    with zipfile.ZipFile(client_wheel) as archive:
        about = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Metadata.from_email(archive.read(about), validate=True)

    needed = [Requirement(str(each)) for each in metadata.requires_dist or ()]
    assert (metadata.name, metadata.license_expression) == ("gatepost-client", "Apache-2.0")
    assert {each.name for each in needed if each.marker is None} == {
        "googleapis-common-protos",
        "grpcio",
        "protobuf",
        "pyjwt",
    }
    assert {each.name: str(each.marker) for each in needed if each.marker} == {"aiohttp": 'extra == "aiohttp"'}
    assert metadata.description
    assert "```python" in metadata.description


async def test_a_wheel_of_the_source_archive_is_the_same(client_wheel: Path, tmp_path: Path) -> None:
    archive = await build("sdist", PROJECT, tmp_path / "sdist")
    with tarfile.open(archive) as packed:
        unpack(packed, tmp_path / "unpacked")
    [unpacked] = (tmp_path / "unpacked").iterdir()

    again = await build("wheel", unpacked, tmp_path / "dist")

    assert names_in(again) == names_in(client_wheel)


@pytest.fixture(scope="module")
async def both_wheels(client_wheel: Path, folder: Path) -> tuple[Path, Path]:
    return client_wheel, await build("wheel", ROOT, folder / "server")


async def test_it_and_the_server_s_wheel_own_no_file_together(both_wheels: tuple[Path, Path]) -> None:
    client, server = map(names_in, both_wheels)

    assert not client & server
    assert {name.partition("/")[0] for name in client if ".dist-info" not in name} == {"gatepost_client"}


async def test_both_wheels_work_in_one_process(both_wheels: tuple[Path, Path], folder: Path) -> None:
    """Of the installed packages only ours come from the wheels, so that no index is asked."""
    place = folder / "both"
    for wheel in both_wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place)
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import gatepost_client, gatepost.v1.users_service_pb2 as server
        from gatepost_client.contract import users_service_pb2 as client
        import auth_server.app, http_gateway.app
        for module in (gatepost_client, server, client, auth_server.app):
            assert module.__file__.startswith(sys.argv[1]), module.__file__
        request = server.GetUserRequest(id="a")
        assert client.GetUserRequest.FromString(request.SerializeToString()).id == "a"
    """

    said = await run(sys.executable, "-P", "-c", textwrap.dedent(program), place, cwd=folder, env=ENVIRONMENT)

    assert said.ok, said.errors


async def test_alone_it_needs_nothing_of_the_server(client_wheel: Path, folder: Path) -> None:
    place = folder / "alone"
    with zipfile.ZipFile(client_wheel) as archive:
        archive.extractall(place)
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import gatepost_client
        ours = {"auth_server", "http_gateway", "gatepost_cli", "gatepost", "buf"}
        others = {"aiohttp", "starlette", "fastapi", "asyncpg", "pydantic", "protovalidate"}
        loaded = {name.partition(".")[0] for name in sys.modules}
        assert not loaded & (ours | others), loaded & (ours | others)
    """

    said = await run(sys.executable, "-P", "-c", textwrap.dedent(program), place, cwd=folder, env=ENVIRONMENT)

    assert said.ok, said.errors
