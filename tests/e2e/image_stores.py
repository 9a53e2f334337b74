"""Stores of images in the cloud, as they run on this machine: Azurite for Azure Blob Storage, moto for S3."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from moto.server import ThreadedMotoServer

from tests.e2e.programs import running

AZURITE = Path(__file__).parent / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
HOW = "Azurite is missing: npm ci --prefix tests/e2e/azurite (Node.js 20 or newer)"
# Azurite's account, which is the same everywhere (Microsoft: "Use the Azurite emulator").
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
BUCKET = "pictures"


@dataclass(frozen=True, slots=True)
class Cloud:
    """A store, and how the server learns of it."""

    environment: Mapping[str, str]
    url: str
    """Where the objects are, over HTTP."""


@asynccontextmanager
async def azurite() -> AsyncIterator[Cloud]:
    """An account of Azure Blob Storage with an empty container."""
    options = ("--inMemoryPersistence", "--blobPort", "0", "--disableTelemetry")
    async with running("node", AZURITE, *options) as process:
        url = f"{await _address_of(process)}/{ACCOUNT}"
        await _make_container(url)
        environment = {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": KEY,
            "AZURE_STORAGE_ENDPOINT": url,
            "AZURE_STORAGE_CONTAINER_NAME": BUCKET,
        }
        yield Cloud(environment, f"{url}/{BUCKET}")


async def _address_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    said = ""
    async for line in process.stdout:
        said += line.decode()
        if found := re.search(r"successfully listens on (http://\S+)", said):
            return found[1]
    raise AssertionError(said)


async def _make_container(url: str) -> None:
    """Creates the container, which object stores leave to others; signed by "Authorize with Shared Key"."""
    about = {
        "x-ms-date": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "x-ms-version": "2021-12-02",
    }
    lines = "".join(f"{name}:{value}\n" for name, value in about.items())
    text = "PUT" + "\n" * 12 + lines + f"/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
    headers = {**about, "authorization": f"SharedKey {ACCOUNT}:{signature}"}
    async with (
        aiohttp.ClientSession(skip_auto_headers=["content-type"]) as session,
        session.put(f"{url}/{BUCKET}?restype=container", headers=headers) as answer,
    ):
        assert answer.status == 201, await answer.text()


@contextmanager
def moto() -> Iterator[Cloud]:
    """S3 with an empty bucket."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        environment = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "GATEPOST_IMAGE_STORE": f"s3://{BUCKET}/of/users",
        }
        yield Cloud(environment, f"http://{host}:{port}/{BUCKET}/of/users")
    finally:
        server.stop()
