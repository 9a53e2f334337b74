"""Gatepost's own processes, started as an operator starts them."""

import base64
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.database import Database
from benchmarks.processes import Server, free_port, running

BCRYPT_COST = 12


@dataclass(frozen=True)
class Gatepost:
    """All of it in one process, and the two processes of the split form."""

    everything: Server
    gateway: Server
    auth: Server
    service_credential: str
    """What an internal service puts into `authorization`."""


class Settings:
    """The environment of a Gatepost process, with secrets made for this run."""

    def __init__(self, database: Database) -> None:
        self.adapter_secret = secrets.token_hex(32)
        self._shared = {
            "GATEPOST_DATABASE_URL": database.url,
            "GATEPOST_ADAPTER_SECRET": self.adapter_secret,
            "GATEPOST_PEPPERS": _key_ring(),
            "GATEPOST_SEALING_KEYS": _key_ring(),
            "GATEPOST_ENVIRONMENT": "development",
            "GATEPOST_BCRYPT_COST": str(BCRYPT_COST),
            "GATEPOST_GRPC_INSECURE": "true",
            "GATEPOST_AUTH_INSECURE": "true",
        }

    def of(self, **own: object) -> Mapping[str, str]:
        """What all processes share, and a process's own, named without the prefix and in lower case."""
        return self._shared | {f"GATEPOST_{name.upper()}": str(value) for name, value in own.items()}


@contextmanager
def running_gatepost(settings: Settings, *, hash_width: int) -> Iterator[Gatepost]:
    """Gatepost in both forms, with so many hashes at once, on a migrated database."""
    _command(settings, "migrate")
    made = _command(settings, "services", "add", "bench", "--allow", "TokenService/*")
    credential = made.partition("authorization: ")[2].splitlines()[0]
    with ExitStack() as stack:
        everything = stack.enter_context(running_in_one(settings, hash_width=hash_width))
        grpc_port, http_port = free_port(), free_port()
        own = settings.of(grpc_port=grpc_port, hash_pool_width=hash_width)
        auth = stack.enter_context(_serving("auth server", "auth", grpc_port, own))
        own = settings.of(http_port=http_port, auth_target=f"127.0.0.1:{grpc_port}")
        gateway = stack.enter_context(_serving("gateway", "gateway", http_port, own))
        yield Gatepost(everything, gateway, auth, credential)


@contextmanager
def running_in_one(settings: Settings, *, hash_width: int) -> Iterator[Server]:
    """All of Gatepost in one process."""
    port = free_port()
    own = settings.of(http_port=port, grpc_port=free_port(), hash_pool_width=hash_width)
    with _serving("one process", "all", port, own) as server:
        yield server


def _command(settings: Settings, *words: str) -> str:
    """What a command of the operator's prints."""
    environment = {**os.environ, **settings.of()}
    command = [sys.executable, "-m", "gatepost_cli", *words]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def _serving(name: str, what: str, port: int, own: Mapping[str, str]) -> AbstractContextManager[Server]:
    return running(name, "gatepost_cli", "serve", what, port=port, settings=own)


def _key_ring() -> str:
    return f"bench:{base64.b64encode(secrets.token_bytes(32)).decode()}"
