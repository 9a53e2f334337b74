"""The short run of random calls that every run of the tests has; `scripts/fuzz` is the long one."""

from __future__ import annotations

import asyncio

import pytest

from tests.fuzz.callers import Callers
from tests.fuzz.findings import Findings
from tests.fuzz.http import Routes
from tests.fuzz.rpcs import Rpcs, Run, waiting_in


@pytest.fixture
def findings():
    """What this test finds."""
    return Findings()


@pytest.fixture
def callers(people, sql, mailbox):
    """Callers of every kind."""
    return Callers(people, sql, mailbox)


@pytest.fixture
async def run() -> Run:
    """What lets a thread wait for the server's loop."""
    return waiting_in(asyncio.get_running_loop())


@pytest.fixture
def rpcs(channel, server, callers, findings, run):
    """Calls RPCs, through both doors."""
    return Rpcs(channel, server.channel, callers, findings, run)


@pytest.fixture
def routes(shared_gateways, shared_http, callers, findings, run):
    """Calls routes, through both forms of the gateway."""
    return Routes(shared_http, shared_gateways, callers, findings, run)
