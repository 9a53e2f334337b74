"""The processes that a benchmark runs: servers until they answer, and load generators."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from benchmarks.load import Load, Outcome

START_SECONDS = 30
LOAD_SECONDS = 60


class ProcessFailedError(Exception):
    """A process of the benchmark ended, or never answered."""


@dataclass(frozen=True)
class Server:
    """A running server process."""

    name: str
    pid: int
    port: int


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(name: str, module: str, *arguments: str, port: int, settings: Mapping[str, str]) -> Iterator[Server]:
    """A Python module as a process that listens on a port; it is ended at the end.

    Raises:
        ProcessFailedError: it ended or does not listen.
    """
    with tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, "-m", module, *arguments]
        process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log)
        try:
            _await_port(process, port, START_SECONDS)
            yield Server(name, process.pid, port)
        except ProcessFailedError as error:
            log.seek(0)
            raise ProcessFailedError(f"{name}: {error}\n{log.read()[-3000:]}") from None
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _await_port(process: subprocess.Popen[bytes], port: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ProcessFailedError(f"ended with {process.returncode}")
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise ProcessFailedError(f"does not listen on {port} after {seconds} s")


class Generator:
    """A load generator, prepared and waiting to begin."""

    def __init__(self, load: Load) -> None:
        self._seconds = load.seconds
        command = [sys.executable, "-m", "benchmarks.load"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._say(json.dumps(asdict(load)))
        self._hear("ready")

    def begin(self) -> None:
        """Lets it send."""
        self._say("go")

    def outcome(self) -> Outcome:
        """What came of it, as soon as it has ended."""
        outcome = Outcome(**json.loads(self._hear("{")))
        self._process.wait(LOAD_SECONDS)
        return outcome

    def _say(self, line: str) -> None:
        if self._process.stdin is None:
            raise ProcessFailedError("the load generator hears nothing")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self, expected: str) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith(expected):
            self._process.kill()
            raise ProcessFailedError("the load generator failed; its words stand above")
        return line


def outcome_of(load: Load) -> Outcome:
    """What comes of a Load that begins at once."""
    generator = Generator(load)
    generator.begin()
    return generator.outcome()
