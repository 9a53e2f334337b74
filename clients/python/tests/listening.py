"""Verifiers beside a real Gatepost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from gatepost_client import AccessTokenInvalidError, AccessTokenVerifier, GatepostClient, ServiceCredential

SECOND = 1.0


@asynccontextmanager
async def listening(
    target: str, credential: ServiceCredential, **settings: Any
) -> AsyncIterator[tuple[GatepostClient, AccessTokenVerifier]]:
    """A client, and a verifier that is in sync."""
    async with (
        GatepostClient(target, credential=credential, plaintext=True) as client,
        AccessTokenVerifier(client, **settings) as verifier,
    ):
        await verifier.wait_in_sync(timedelta(seconds=30))
        yield client, verifier


async def seconds_until_refused(verifier: AccessTokenVerifier, token: str) -> float:
    """How long the token was still taken; infinite if it is not refused."""
    began = time.monotonic()
    while time.monotonic() - began < 20:
        try:
            await verifier.verify(token)
        except AccessTokenInvalidError:
            return time.monotonic() - began
        await asyncio.sleep(0.01)
    return float("inf")
