"""Genuine proxies, configured as docs/proxies.md says, in front of a service that shows what reached it."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

PAGE = Path(__file__).resolve().parents[2] / "docs" / "proxies.md"
INSTALLED = Path(sys.prefix) / "proxies"
PATIENCE_SECONDS = 20.0
LANGUAGES = {"envoy": "yaml", "caddy": "caddyfile", "nginx": "nginx"}
HOW = {
    "envoy": "envoy is missing: run .ci/run, or put one on PATH",
    "caddy": "caddy is missing: run .ci/run, or put one on PATH",
    "nginx": "nginx is missing: install it (on Debian: apt-get install nginx) so that it is on PATH",
}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everybody listens."""

    service: int
    gateway: int
    grpc: int


@dataclass
class Service:
    """What stands behind the proxy; keeps the headers and the body of each request that gets here."""

    port: int = 0
    seen: list[tuple[dict[str, list[str]], bytes]] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        names = {name.lower() for name in request.headers}
        headers = {name: list(request.headers.getall(name)) for name in names}
        self.seen.append((headers, await request.read()))
        return web.Response(text="the service")


@asynccontextmanager
async def serving() -> AsyncIterator[Service]:
    """The service, which serves meanwhile."""
    service = Service()
    runner = web.ServerRunner(web.Server(service.answer))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        service.port = runner.addresses[0][1]
        yield service
    finally:
        await runner.cleanup()


def find_program(name: str) -> str | None:
    """The proxy, where .ci/run has put it or PATH leads to one."""
    for path in (INSTALLED / name / "_bin" / name, INSTALLED / "bin" / name):
        if path.is_file():
            return str(path)
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def documented(name: str) -> str:
    """The proxy's configuration as the page has it."""
    section = re.search(rf"^## {name}\n(.*?)(?=^## )", PAGE.read_text(), re.MULTILINE | re.DOTALL | re.IGNORECASE)
    assert section, f"docs/proxies.md has no section on {name}"
    blocks = re.findall(rf"^```{LANGUAGES[name]}\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


def configuration(name: str, ports: Ports, listen: int, credential: str) -> str:
    """The page's configuration with ports and a credential of ours, and nothing else changed."""
    text = documented(name)
    changes = {"8000": listen, "3000": ports.service}
    changes |= {"50051": ports.grpc} if name == "envoy" else {"8080": ports.gateway}
    for old, new in changes.items():
        text, count = re.subn(rf"\b{old}\b", str(new), text)
        assert count == 1, f"{old} stands {count} times in the configuration of {name}"
    assert ("Basic PASTE-IT-HERE" in text) == (name == "envoy")
    return text.replace("Basic PASTE-IT-HERE", credential)


@asynccontextmanager
async def proxy(name: str, program: str, ports: Ports, folder: Path, credential: str) -> AsyncIterator[str]:
    """The proxy, which runs meanwhile: its URL."""
    listen = _free_port()
    text = configuration(name, ports, listen, credential)
    command, env = {"envoy": _envoy, "caddy": _caddy, "nginx": _nginx}[name](program, text, folder)
    with (folder / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=said, stderr=said
        )
    try:
        await _listening(listen, process, folder / "said")
        yield f"http://127.0.0.1:{listen}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _envoy(program: str, text: str, folder: Path) -> tuple[list[str], Mapping[str, str]]:
    (folder / "envoy.yaml").write_text(text)
    quiet = ["--log-level", "critical", "--disable-hot-restart", "--concurrency", "1"]
    return [program, "-c", str(folder / "envoy.yaml"), *quiet], {}


def _caddy(program: str, text: str, folder: Path) -> tuple[list[str], Mapping[str, str]]:
    (folder / "Caddyfile").write_text(text)
    env = {"HOME": str(folder), "CADDY_ADMIN": f"unix/{folder}/caddy.sock"}
    return [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], env


def _nginx(program: str, text: str, folder: Path) -> tuple[list[str], Mapping[str, str]]:
    (folder / "gatepost.conf").write_text(text)
    places = "".join(
        f"{what}_temp_path {folder}/{what};\n" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    around = f"daemon off; master_process off; pid {folder}/pid; error_log stderr crit;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{around}http {{ access_log off; {places} include {folder}/gatepost.conf; }}\n")
    return [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"], {}


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def _listening(port: int, process: asyncio.subprocess.Process, said: Path) -> None:
    """Waits for the port; where the process ends instead, fails with what it said."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            assert process.returncode is None, said.read_text()  # noqa: ASYNC240 (the test ends here)
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def headers_of(seen: Mapping[str, list[str]]) -> dict[str, Any]:
    """Of the headers that the service got, those that look like an identity."""
    return {name: values for name, values in seen.items() if name.replace("_", "-").startswith("x-gatepost-")}
