"""Health as grpc.health.v1 tells it: it follows the database, and says so when the server drains."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio

from auth_server.storage.database import Database

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class Health:
    """Whether the server serves; one answer for all of its services."""

    def __init__(self, services: Iterable[str]) -> None:
        self.servicer = health_aio.HealthServicer()
        self._names = ("", *services)
        self._status = NOT_SERVING
        self._draining = False

    def check(self, request: health_pb2.HealthCheckRequest) -> health_pb2.HealthCheckResponse:
        """The answer of Health/Check."""
        known = request.service in self._names
        return health_pb2.HealthCheckResponse(status=self._status if known else UNKNOWN)

    async def drain(self) -> None:
        """Says from now on that the server does not serve."""
        self._draining = True
        await self._tell(NOT_SERVING)

    @asynccontextmanager
    async def following(self, database: Database) -> AsyncIterator[None]:
        """Follows the database meanwhile."""
        await self._look(database)
        watch = asyncio.create_task(self._watch(database))
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    async def _watch(self, database: Database) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self._look(database)

    async def _look(self, database: Database) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                reachable = await database.is_reachable()
        except TimeoutError:
            reachable = False
        await self._tell(SERVING if reachable and not self._draining else NOT_SERVING)

    async def _tell(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        self._status = status
        for name in self._names:
            await self.servicer.set(name, status)
