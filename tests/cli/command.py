"""Runs the `gatepost` command as a person or a machine would: with an environment of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from unittest.mock import patch

from click.testing import CliRunner

from gatepost_cli.__main__ import gatepost
from tests.cli.forked import Forked, fork

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = (sys.executable, "-P", "-m", "gatepost_cli")
SHORT = frozenset(
    {"audit", "doctor", "--help", "--version", "keys", "mail", "migrate", "services", "settings", "users"}
)
# A cheap hash makes each start a quarter of a second shorter.
QUICK = {"GATEPOST_ENVIRONMENT": "test", "GATEPOST_BCRYPT_COST": "4"}


def environment(**settings: str) -> dict[str, str]:
    """What a process finds: no setting of this machine, only these."""
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}", "HOME": "/nonexistent"}
    return {**own, **settings}


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command, when it has ended; one that only asks or changes something runs here, which saves its start."""
    if arguments and arguments[0] in SHORT:
        with ThreadPoolExecutor(1) as apart:  # the test's own thread has a loop that runs already
            return apart.submit(_run_here, arguments, environment(**settings)).result()
    return run_apart(*arguments, **settings)


def _run_here(arguments: tuple[str, ...], found: dict[str, str]) -> subprocess.CompletedProcess[str]:
    with patch.dict(os.environ, found, clear=True):
        ended = CliRunner().invoke(gatepost, arguments, prog_name="gatepost")
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return subprocess.CompletedProcess(arguments, ended.exit_code, ended.stdout, ended.stderr)


def run_apart(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, when it has ended."""
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        with fork(*arguments, env=environment(**settings), stdout=stdout, stderr=stderr) as process:
            try:
                process.wait(30)
            finally:
                process.kill()
        return subprocess.CompletedProcess(arguments, process.wait(), _said_in(stdout), _said_in(stderr))


def _said_in(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def refusal_of(*arguments: str, **settings: str) -> str:
    """The one sentence with which the command ends."""
    ended = run(*arguments, **settings)
    assert ended.returncode == 1, ended
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("gatepost: ")
    assert lines[0].endswith(".")
    return lines[0]


@dataclass
class Up:
    """A `gatepost up` that serves."""

    process: subprocess.Popen[str] | Forked
    folder: Path
    run: dict[str, Any]
    welcome: str

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """The exit code, and what it said since it was up."""
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=120)
        return self.process.wait(), said


@contextmanager
def running_up(folder: Path, *arguments: str, **settings: str) -> Iterator[Up]:
    """Starts `gatepost up` on any free ports, and ends it afterwards."""
    with _forked(_up_in(folder, arguments), environment(**QUICK, **settings)) as process:
        yield from _serving(folder, process)


@contextmanager
def running_up_anew(folder: Path, *arguments: str, **settings: str) -> Iterator[Up]:
    """The same as a person does, by `python -m`."""
    with _started_anew(_up_in(folder, arguments), environment(**QUICK, **settings)) as process:
        yield from _serving(folder, process)


def _up_in(folder: Path, arguments: tuple[str, ...]) -> tuple[str, ...]:
    return ("up", "--data-dir", str(folder), "--http-port", "0", "--grpc-port", "0", *arguments)


def _serving(folder: Path, process: subprocess.Popen[str] | Forked) -> Iterator[Up]:
    try:
        welcome = _read_until("Ctrl-C", process)
        yield Up(process, folder, json.loads((folder / "run.json").read_text()), welcome)
    finally:
        if process.poll() is None:
            process.terminate()


def _started_anew(words: tuple[str, ...], env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _forked(words: tuple[str, ...], env: dict[str, str]) -> Forked:
    to_read, to_write = os.pipe()
    try:
        return fork(*words, env=env, stdout=to_write, stderr=to_write, said=os.fdopen(to_read))
    finally:
        os.close(to_write)


def _read_until(word: str, process: subprocess.Popen[str] | Forked) -> str:
    said = ""
    for line in process.stdout or ():
        said += line
        if word in line:
            return said
    raise AssertionError(f"it ended: {said}")


def call(url: str, body: dict[str, Any] | None = None, **headers: str) -> tuple[int, Any]:
    """The status and the JSON that a URL answers."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, sent, {"content-type": "application/json", **names})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def eventually(holds: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether it comes true within so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def lives(pid: int) -> bool:
    """Whether a process has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended, but that nobody has waited for, still has its id.
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def mode_of(path: Path) -> int:
    """The permission bits."""
    return path.stat().st_mode & 0o777
