"""Both forms of a running Gatepost, and the programs that tests bring from outside."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from playwright.async_api import Browser

from auth_server.app import RunningServer
from auth_server.storage.database import Database
from http_gateway.app import running
from http_gateway.settings import GatewaySettings
from tests.cli.command import Up
from tests.e2e import browsers
from tests.e2e.browsers import Windows, chromium, find_chromium
from tests.e2e.nextauth import PACKAGE, SUITES
from tests.e2e.strangers import Stranger, stranger
from tests.e2e.ups import up_with_mails

Needs = Callable[[bool, str], None]


@pytest.fixture(scope="session")
def needs() -> Needs:
    """Skips the test where what it needs is missing, in one line that says how to have it.

    With GATEPOST_TESTS_NO_SKIP=1 it fails instead.
    """

    def check(present: bool, how: str) -> None:
        if present:
            return
        if os.environ.get("GATEPOST_TESTS_NO_SKIP") == "1":
            pytest.fail(how, pytrace=False)
        pytest.skip(how)

    return check


@pytest.fixture(scope="session")
def node(needs: Needs) -> str:
    """The path of Node.js, beside the packages that the suites need."""
    found = shutil.which("node")
    needs(found is not None, "node is missing: install Node.js 20 or newer")
    needs((SUITES / "node_modules").is_dir(), "NextAuth is missing: run npm ci --prefix tests/e2e/node")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def our_compiler(needs: Needs) -> None:
    """What compiles our package for NextAuth."""
    needs((PACKAGE / "node_modules").is_dir(), "TypeScript is missing: run npm ci --prefix clients/nextauth")


@pytest.fixture(scope="session", params=["in one process", pytest.param("split", marks=pytest.mark.slow)])
async def shared_gateway_url(request: pytest.FixtureRequest, shared_server: RunningServer) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        channel: Any = shared_server.channel
        if request.param == "split":
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(shared_server.grpc_target))
        settings = GatewaySettings(http_port=0, shutdown_seconds=1)
        gateway = await stack.enter_async_context(running(settings, channel))
        yield gateway.http_url


@pytest.fixture
def gateway_url(shared_gateway_url: str, db: Database) -> str:
    """Where a gateway listens, once in the server's process and once over a gRPC channel; the database is empty."""
    return shared_gateway_url


@pytest.fixture(scope="session")
async def shared_chromium(needs: Needs) -> AsyncIterator[Browser]:
    program = find_chromium()
    needs(program is not None, browsers.HOW)
    async with chromium(str(program)) as browser:
        yield browser


@pytest.fixture
async def windows(shared_chromium: Browser) -> AsyncIterator[Windows]:
    """Opens windows of a real browser, which are closed after the test."""
    windows = Windows(shared_chromium)
    yield windows
    await windows.close()


@pytest.fixture(scope="session")
def up(shared_chromium: Browser) -> Iterator[Up]:
    """A `gatepost up` with a database of its own, whose mails are shown at /dev/mail; none where no browser is."""
    with up_with_mails() as running:
        yield running


@pytest.fixture
async def evil() -> AsyncIterator[Stranger]:
    """Another site."""
    async with stranger() as site:
        yield site
