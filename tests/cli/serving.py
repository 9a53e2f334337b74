"""Runs `gatepost serve` as production does: set up by the environment alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.command import COMMAND, environment, eventually
from tests.cli.forked import Forked, fork
from tests.conftest import key_ring

SECRET = "zN4kQx7wPd2vTb9mRc5yHs8gLf3jWe6a"
COMPLETE = {
    "GATEPOST_DATABASE_URL": "postgresql://me:s3cr3t-word@127.0.0.1:1/nowhere",
    "GATEPOST_ADAPTER_SECRET": SECRET,
    "GATEPOST_PEPPERS": key_ring("pepper"),
    "GATEPOST_SEALING_KEYS": key_ring("seal"),
    "GATEPOST_HTTP_PORT": "0",
    "GATEPOST_GRPC_PORT": "0",
    "GATEPOST_GRPC_INSECURE": "true",
}


@contextmanager
def serving(which: str, log: Path, **settings: str) -> Iterator[Forked]:
    """Starts `gatepost serve`, `which` with its options, and ends it afterwards; its log lines are in the file."""
    env = environment(**settings)
    with log.open("wb") as said, fork("serve", *which.split(), env=env, stdout=said, stderr=said) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def serving_anew(which: str, log: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """The same as in production, by `python -m`, which takes a second; it has this process's limits."""
    command = [*COMMAND, "serve", *which.split()]
    with (
        log.open("wb") as said,
        subprocess.Popen(command, env=environment(**settings), stderr=said) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def told_by(log: Path, field: str) -> str:
    """What the line that says where it serves holds."""
    assert eventually(lambda: field in log.read_text(), seconds=20), log.read_text()
    return str(next(json.loads(line)[field] for line in log.read_text().splitlines() if field in line))
