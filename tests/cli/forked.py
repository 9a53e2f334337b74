"""Processes of the `gatepost` command, forked of one that has imported it all: a start takes milliseconds of work."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import IO, Self

from tests.cli import forking

_ONE_AT_A_TIME = Lock()


class Forked:
    """A command that runs, shown as subprocess.Popen shows one; its parent is another process."""

    def __init__(self, status: socket.socket, stdout: IO[str] | None) -> None:
        self.stdout = stdout
        self.returncode: int | None = None
        self._status = status
        self._told = b""
        self.pid = self._number()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for its end."""
        try:
            self.wait()
        finally:
            self._status.close()
            if self.stdout:
                self.stdout.close()

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, or the number of the signal that ended it below zero.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        if self.returncode is None:
            self.returncode = self._number(timeout)
        return self.returncode

    def poll(self) -> int | None:
        """The same; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        """Sends it unless the command has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """What it said since it was read from, when it has ended."""
        self.wait(timeout)
        return self.stdout.read() if self.stdout else "", None

    def _number(self, timeout: float | None = None) -> int:
        while b"\n" not in self._told:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("gatepost", timeout or 0)
            told = self._status.recv(64)
            assert told, "the process that forks has ended"
            self._told += told
        number, _, self._told = self._told.partition(b"\n")
        return int(number)


def fork(
    *arguments: str, env: dict[str, str], stdout: IO[bytes] | int, stderr: IO[bytes] | int, said: IO[str] | None = None
) -> Forked:
    """Starts `gatepost` with these arguments and this environment; `said` is where the test reads what it says."""
    ours, theirs = socket.socketpair()
    files = [file if isinstance(file, int) else file.fileno() for file in (stdout, stderr)]
    asked = json.dumps({"arguments": arguments, "environment": env}) + "\n"
    with theirs, _ONE_AT_A_TIME:
        socket.send_fds(_forking(), [asked.encode()], [theirs.fileno(), *files])
    return Forked(ours, said)


@cache
def _forking() -> socket.socket:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", Path(forking.__file__), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
