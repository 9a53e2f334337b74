"""`scripts/up` as somebody new meets it: a fresh clone, a fresh home, nothing installed."""

from __future__ import annotations

import json
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import call, eventually
from tests.e2e.conftest import Needs

ROOT = Path(__file__).resolve().parents[2]
PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What this machine needs to reach packages is the only thing that a clone finds of it.
FROM_HERE = re.compile(r"PIP_.*|SSL_CERT_.*|https?_proxy|no_proxy", re.IGNORECASE)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody with a home of their own, and a place for data that the database's user can reach."""

    home: Path
    data: Path
    user: pwd.struct_passwd

    @property
    def checkout(self) -> Path:
        return self.home / "a checkout"

    def environment(self) -> dict[str, str]:
        path = f"{os.environ['PATH']}:{PLACES}" if self.user.pw_uid == os.geteuid() else PLACES
        passed_on = {name: value for name, value in os.environ.items() if FROM_HERE.fullmatch(name)}
        return {**passed_on, "HOME": str(self.home), "PATH": path}


@dataclass(frozen=True, slots=True)
class Up:
    """A `scripts/up` that serves."""

    process: subprocess.Popen[bytes]
    run: dict[str, Any]
    welcome: str

    def pasted(self, program: str) -> dict[str, Any]:
        """What the printed line of this program answers in a shell."""
        line = re.search(rf"^  ({program} .*)$", self.welcome, re.MULTILINE)
        assert line
        ran = subprocess.run(["bash", "-c", line[1]], capture_output=True, text=True, check=False, timeout=30)
        assert ran.returncode == 0, ran.stderr
        answer: dict[str, Any] = json.loads(ran.stdout)
        return answer

    def end(self) -> int:
        """Its exit code, after Ctrl-C, which reaches every process of the terminal."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder with a space in its name that everybody may pass."""
    made = Path(tempfile.mkdtemp(prefix="gatepost up "))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@contextmanager
def another_user(home: Path) -> Iterator[pwd.struct_passwd]:
    name = f"gatepost-{secrets.token_hex(4)}"
    programs = [shutil.which(program, path=PLACES) or program for program in ("useradd", "userdel")]
    made = [programs[0], "--no-create-home", "--home-dir", str(home), "--shell", "/bin/sh", name]
    subprocess.run(made, check=True, capture_output=True)
    try:
        yield pwd.getpwnam(name)
    finally:
        subprocess.run([programs[1], name], check=True, capture_output=True)


@pytest.fixture(params=["this user", pytest.param("an ordinary user", marks=pytest.mark.only_as("root"))])
def newcomer(request: pytest.FixtureRequest, outside: Path, needs: Needs) -> Iterator[Newcomer]:
    needs(shutil.which("git") is not None and (ROOT / ".git").exists(), "this is no clone: run the tests in one")
    home = outside / "home"
    home.mkdir(mode=0o700)
    subprocess.run(["git", "clone", "--quiet", ROOT, home / "a checkout"], check=True, capture_output=True)
    if request.param == "this user":
        # Root's home is closed to the user that its database runs as.
        data = outside / "data" if os.geteuid() == 0 else home / "data"
        yield Newcomer(home, data, pwd.getpwuid(os.geteuid()))
        return
    needs(shutil.which("useradd", path=PLACES) is not None, "useradd is missing: install Debian's passwd or its like")
    with another_user(home) as user:
        subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", home], check=True)
        yield Newcomer(home, home / "data", user)


@contextmanager
def up(newcomer: Newcomer, said: Path) -> Iterator[Up]:
    """Starts `scripts/up` on any free ports, and ends it afterwards."""
    note, own = newcomer.data / "run.json", newcomer.user.pw_uid == os.geteuid()
    script, data = str(newcomer.checkout / "scripts/up"), str(newcomer.data)
    command = [script, "--data-dir", data, "--http-port", "0", "--grpc-port", "0"]
    with said.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=newcomer.home if own else "/",
            env=newcomer.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=None if own else newcomer.user.pw_uid,
            group=None if own else newcomer.user.pw_gid,
            extra_groups=None if own else [],
        )
    try:
        is_up = eventually(lambda: "Ctrl-C" in said.read_text() or process.poll() is not None, seconds=200)
        assert is_up, said.read_text()
        assert note.exists(), said.read_text()
        yield Up(process, json.loads(note.read_text()), said.read_text())
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def test_a_newcomer_starts_it_and_pastes_what_it_prints(newcomer: Newcomer, outside: Path, needs: Needs) -> None:
    needs(shutil.which("grpcurl") is not None, "grpcurl is missing: install it so that it is on PATH, or run .ci/run")
    with up(newcomer, outside / "first") as first:
        registered = first.pasted("curl")
        found = first.pasted("grpcurl")
        assert first.end() == 0

    assert registered["email"] == found["user"]["email"] == "ada@example.com"
    assert not (newcomer.data / "run.json").exists()
    with up(newcomer, outside / "second") as second:
        url, secret = second.run["http_url"], second.run["adapter_secret"]
        kept = call(f"{url}/adapter/get-user-by-email?email=ada@example.com", x_auth_secret=secret)
        assert second.end() == 0
    assert kept[1]["id"] == found["user"]["id"]
    assert "installing" not in (outside / "second").read_text()
