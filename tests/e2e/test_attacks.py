"""What others feel of attacks on both ports, and what attacks take of memory: measured on a Gatepost of its own.

Server, attackers and measured clients are processes apart. What is measured is printed, and goes into docs/security.md;
times are judged on a quiet machine alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import aiohttp
import grpc
import psutil
import pytest

from gatepost.v1 import adapter_service_pb2, adapter_service_pb2_grpc
from tests.certificates import Authority
from tests.cli.command import ROOT, Up, environment, running_up
from tests.e2e.attacks import ATTACKS, Victim
from tests.people import PASSWORD

USERS = 10
SECONDS = 6.0
SETTLED_AFTER_SECONDS = 1.0
WORST_P99_SECONDS = 2.0
MOST_BYTES = 250_000_000
MEBIBYTE = 1024 * 1024
ROUTE = "/adapter/get-user-by-email?email=nobody@example.org"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def up(authority: Authority) -> Iterator[Up]:
    """A Gatepost whose gRPC port speaks TLS."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-attacked-"))
    folder.chmod(0o755)  # as root, its database runs as another user, who must get through
    certificate, key = authority.issue("localhost", "127.0.0.1").write(folder, "server")
    settings = {"GATEPOST_GRPC_TLS_CERTIFICATE": str(certificate), "GATEPOST_GRPC_TLS_KEY": str(key)}
    with running_up(folder / "data", **settings) as running:
        yield running
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
async def victim(up: Up, authority: Authority) -> Victim:
    """The ports, and users who are signed in."""
    tokens = []
    async with aiohttp.ClientSession(up.run["http_url"]) as session:
        for number in range(USERS):
            person = {"name": "Person", "email": f"person{number}@example.org", "password": PASSWORD}
            async with session.post("/auth/register", json=person) as answer:
                assert answer.status == 201, await answer.text()
            del person["name"]
            async with session.post("/auth/login", json=person) as answer:
                signed_in = await answer.json()
            tokens.append((signed_in["user"]["id"], signed_in["backendTokens"]["accessToken"]))
    http_port, grpc_port = (int(up.run[name].rpartition(":")[2]) for name in ("http_url", "grpc_target"))
    return Victim(http_port, grpc_port, authority.pem.decode(), tokens)


class Others:
    """Clients that only want to be served, over both ports; how long they waited, in seconds."""

    def __init__(self, up: Up, victim: Victim) -> None:
        self._up = up
        self._victim = victim
        self.times: dict[str, list[float]] = {"HTTP": [], "gRPC": []}
        self.failures: list[str] = []

    async def call(self, until: float) -> None:
        await asyncio.gather(self._call_http(until), self._call_grpc(until))

    async def _call_http(self, until: float) -> None:
        secret = {"x-auth-secret": self._up.run["adapter_secret"]}
        async with aiohttp.ClientSession(self._up.run["http_url"], headers=secret) as session:
            while time.monotonic() < until:
                began = time.perf_counter()
                try:
                    async with session.get(ROUTE) as answer:
                        await answer.read()
                except aiohttp.ClientError as error:
                    self.failures.append(f"HTTP {error!r}")
                else:
                    if answer.status != 200:
                        self.failures.append(f"HTTP {answer.status}")
                self.times["HTTP"].append(time.perf_counter() - began)
                await asyncio.sleep(0.005)

    async def _call_grpc(self, until: float) -> None:
        trusting = grpc.ssl_channel_credentials(self._victim.authority.encode())
        metadata = [("x-auth-secret", self._up.run["adapter_secret"])]
        request = adapter_service_pb2.GetUserByEmailRequest(email="nobody@example.org")
        async with grpc.aio.secure_channel(f"localhost:{self._victim.grpc_port}", trusting) as channel:
            adapter = adapter_service_pb2_grpc.AdapterServiceStub(channel)
            while time.monotonic() < until:
                began = time.perf_counter()
                try:
                    await adapter.GetUserByEmail(request, metadata=metadata, timeout=5)
                except grpc.aio.AioRpcError as error:
                    self.failures.append(f"gRPC {error.code().name}")
                self.times["gRPC"].append(time.perf_counter() - began)
                await asyncio.sleep(0.005)

    def __str__(self) -> str:
        told = (
            f"{door} {len(times)} calls, p50 {statistics.median(times):.3f} s, p99 {self.p99(door):.3f} s"
            for door, times in self.times.items()
        )
        return ", ".join(told)

    def p99(self, door: str) -> float:
        return statistics.quantiles(self.times[door], n=100)[98]


async def peak_bytes(process: psutil.Process, until: float) -> int:
    most = 0
    while time.monotonic() < until:
        most = max(most, process.memory_info().rss)
        await asyncio.sleep(0.1)
    return most


@contextmanager
def attacked(victim: Victim, name: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """An attack, which goes on in a process apart for so long."""
    command = [sys.executable, "-m", "tests.e2e.attacks", name, str(seconds)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment(), text=True
    ) as attacker:
        assert attacker.stdin is not None
        attacker.stdin.write(json.dumps(asdict(victim)))
        attacker.stdin.close()
        yield attacker
        assert attacker.wait(20) == 0


@pytest.mark.minutes
@pytest.mark.requirement(5, 6)
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ATTACKS)
async def test_others_are_served_while_somebody_attacks(name: str, up: Up, victim: Victim) -> None:
    server = psutil.Process(up.run["pids"]["gatepost"])
    is_quiet = os.getloadavg()[0] / (os.cpu_count() or 1) < 0.75
    before_bytes = server.memory_info().rss
    others = Others(up, victim)
    with attacked(victim, name, SECONDS + SETTLED_AFTER_SECONDS) as attacker:
        await asyncio.sleep(SETTLED_AFTER_SECONDS)
        until, worked = time.monotonic() + SECONDS, sum(server.cpu_times()[:2])
        most_bytes, _ = await asyncio.gather(peak_bytes(server, until), others.call(until))
        worked = sum(server.cpu_times()[:2]) - worked
        assert attacker.stdout is not None
        times = attacker.stdout.read().strip()

    print(f"\n{name}, {times} times: {others}; CPU {worked / SECONDS:.0%}", end="; ")
    print(f"{most_bytes // MEBIBYTE} MiB, {before_bytes // MEBIBYTE} before; {os.getloadavg()[0]:.1f} processes run")
    assert not others.failures
    assert max(others.p99(door) for door in others.times) < WORST_P99_SECONDS or not is_quiet
    assert most_bytes - before_bytes < MOST_BYTES
