"""The wheel: what it holds, and that it works where nothing else of ours is."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from tests.archives import unpack
from tests.cli.command import call, lives
from tests.e2e.conftest import Needs
from tests.e2e.programs import run, running

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"auth_server": "auth_server", "http_gateway": "http_gateway", "gatepost_cli": "gatepost_cli"}
GENERATED = {"generated/gatepost": "gatepost", "generated/buf": "buf"}
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """An empty folder that everybody may pass: as root, PostgreSQL runs as another user."""
    made = Path(tempfile.mkdtemp(prefix="gatepost-wheel-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def file_in(folder: Path) -> Path:
    """What alone stands in a folder."""
    [found] = folder.iterdir()
    return found


async def build(kind: str, source: Path, folder: Path) -> Path:
    said = await run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder, cwd=source)
    assert said.ok, said.errors
    return file_in(folder)


@pytest.fixture(scope="module")
async def wheel(folder: Path) -> Path:
    return await build("wheel", ROOT, folder / "dist")


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def in_the_checkout() -> set[str]:
    """Where the files of our packages belong in a wheel."""
    return {
        f"{package}/{path.relative_to(ROOT / place)}"
        for place, package in (PACKAGES | GENERATED).items()
        for path in (ROOT / place).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


async def test_a_wheel_holds_our_packages_and_nothing_else(wheel: Path) -> None:
    ours = {name for name in names_in(wheel) if ".dist-info/" not in name}

    # Type stubs of generated code are for developers of Gatepost.
    assert {name for name in in_the_checkout() if not name.endswith(".pyi")} <= ours
    assert ours <= in_the_checkout()
    assert {
        "auth_server/storage/migrations/0001_users.sql",
        "gatepost/contract.binpb",
        "gatepost/openapi.json",
        "gatepost/v1/auth_service_pb2.py",
        "buf/validate/validate_pb2.py",
        "auth_server/py.typed",
    } <= ours


async def test_a_wheel_says_what_it_is_and_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Metadata.from_email(archive.read(about), validate=True)

    needed = {Requirement(str(each)).name for each in metadata.requires_dist or ()}
    assert (metadata.name, metadata.license_expression) == ("gatepost", "Apache-2.0")
    assert str(metadata.requires_python) == ">=3.11"
    assert {"grpcio", "aiohttp", "asyncpg", "protovalidate", "click"} <= needed
    assert not {"pytest", "mypy", "hatchling", "grpcio-tools"} & needed
    assert metadata.description


async def test_a_wheel_of_the_source_archive_is_the_same(wheel: Path, tmp_path: Path) -> None:
    archive = await build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(archive) as packed:
        unpack(packed, tmp_path / "unpacked")
    unpacked = file_in(tmp_path / "unpacked")

    again = await build("wheel", unpacked, tmp_path / "dist")

    assert names_in(again) == names_in(wheel)
    assert not {"tests", ".git", ".venv"} & {path.name for path in unpacked.iterdir()}


@pytest.fixture(scope="module")
async def gatepost(wheel: Path, folder: Path, needs: Needs) -> Path:
    """The command as installed from the wheel into an environment that had nothing."""
    venv = folder / "venv"
    uv = [sys.executable, "-m", "uv"]
    made = await run(*uv, "venv", "--no-config", "--python", sys.executable, venv)
    assert made.ok, made.errors
    lock = ROOT / "requirements" / "run.txt"
    installed = await run(*uv, "pip", "install", "--no-config", "--python", venv / "bin/python", wheel, "-c", lock)
    reached = "error sending request" not in installed.errors
    needs(reached, "the package index cannot be reached: the wheel's dependencies come from there")
    assert installed.ok, installed.errors
    return venv / "bin" / "gatepost"


async def test_the_installed_command_explains_itself(gatepost: Path, tmp_path: Path) -> None:
    said = await run(gatepost, "--help", cwd=tmp_path, env=ENVIRONMENT)

    assert said.ok, said.errors
    assert "gatepost up" in said.out
    assert {"migrate", "serve", "up"} <= set(said.out.split())


async def test_the_installed_command_runs_all_of_gatepost(gatepost: Path, folder: Path, tmp_path: Path) -> None:
    place = folder / "data"
    command = [gatepost, "up", "--data-dir", place, "--http-port", "0", "--grpc-port", "0"]
    person = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}
    quick = {"GATEPOST_ENVIRONMENT": "test", "GATEPOST_BCRYPT_COST": "4"}

    async with running(*command, cwd=tmp_path, env=ENVIRONMENT | quick) as process:
        assert process.stdout is not None
        welcome = await process.stdout.readuntil(b"Ctrl-C")
        now = json.loads((place / "run.json").read_text())
        registered = call(f"{now['http_url']}/auth/register", person)
        found = call(
            f"{now['http_url']}/adapter/get-user-by-email?email={person['email']}", x_auth_secret=now["adapter_secret"]
        )
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()

    assert now["http_url"] in welcome.decode()
    assert registered[0] == 201
    assert (found[0], found[1]["email"]) == (200, person["email"])
    assert (process.returncode, errors) == (0, b"")
    assert not (place / "run.json").exists()
    assert not any(lives(pid) for pid in now["pids"].values())
