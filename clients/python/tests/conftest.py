"""A scripted Gatepost, and a verifier that listens to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from listening import listening
from scripted import ScriptedGatepost

from gatepost_client import AccessTokenVerifier, GatepostClient, ServiceCredential
from tests.services import a_service

Verifying = Callable[..., AbstractAsyncContextManager[AccessTokenVerifier]]


@pytest.fixture
async def gatepost() -> AsyncIterator[ScriptedGatepost]:
    """A server that does what the test tells it."""
    server = ScriptedGatepost()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def verifying(gatepost: ScriptedGatepost) -> Verifying:
    """Makes verifiers that listen to the scripted server, and are in sync."""

    @asynccontextmanager
    async def made(*, synced: bool = True, **settings: Any) -> AsyncIterator[AccessTokenVerifier]:
        settings = {"stale_after": timedelta(seconds=5)} | settings
        async with (
            GatepostClient(gatepost.target, plaintext=True) as client,
            AccessTokenVerifier(client, **settings) as verifier,
        ):
            if synced:
                await verifier.wait_in_sync(timedelta(seconds=30))
            yield verifier

    return made


@pytest.fixture
async def verifier(verifying: Verifying) -> AsyncIterator[AccessTokenVerifier]:
    """A verifier in sync with the scripted server."""
    async with verifying() as made:
        yield made


@pytest.fixture
async def credential(db: Any) -> ServiceCredential:
    """Of a service that may verify tokens, and end them."""
    service = await a_service(db, "gatepost.v1.TokenService/*")
    return ServiceCredential(service.name, service.secret)


@pytest.fixture
async def both(server: Any, credential: ServiceCredential) -> AsyncIterator[tuple[GatepostClient, AccessTokenVerifier]]:
    """A client of the real server, and a verifier in sync with it."""
    async with listening(server.grpc_target, credential) as made:
        yield made


@pytest.fixture
def client(both: tuple[GatepostClient, AccessTokenVerifier]) -> GatepostClient:
    """A client of the real server."""
    return both[0]


@pytest.fixture
def listener(both: tuple[GatepostClient, AccessTokenVerifier]) -> AccessTokenVerifier:
    """A verifier in sync with the real server."""
    return both[1]
