"""Health as grpc.health.v1 tells it: it follows the database, and says so when the server drains."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from auth_server.storage.database import Database

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class Health:
    """Whether the server serves; one answer for all of its services."""

    def __init__(self, services: Iterable[str]) -> None:
        self.servicer: health_pb2_grpc.HealthServicer = _Servicer(self)
        self._names = frozenset(("", *services))
        self._status = NOT_SERVING
        self._draining = False
        self._changed = asyncio.Event()  # of this status; the next one has its own

    def check(self, request: health_pb2.HealthCheckRequest) -> health_pb2.HealthCheckResponse:
        """The answer of Health/Check."""
        known = request.service in self._names
        return health_pb2.HealthCheckResponse(status=self._status if known else UNKNOWN)

    async def answers(self, request: health_pb2.HealthCheckRequest) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The answers of Health/Watch: the status, and each that it changes to while somebody waits for the next."""
        told = None
        while True:
            changed, answer = self._changed, self.check(request)
            if answer != told:
                yield answer
                told = answer
            await changed.wait()

    def drain(self) -> None:
        """Says from now on that the server does not serve."""
        self._draining = True
        self._tell(NOT_SERVING)

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
        self._tell(SERVING if reachable and not self._draining else NOT_SERVING)

    def _tell(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        if status != self._status:
            self._status = status
            self._changed.set()
            self._changed = asyncio.Event()


class _Servicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # its stubs have no types
    """grpc.health.v1.Health.

    The one of grpcio-health-checking writes under a lock: one watcher who does not read keeps the status as it is for
    all others, and the server from its end.
    """

    def __init__(self, health: Health) -> None:
        self._health = health

    async def Check(  # noqa: N802 (the contract's name)
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> health_pb2.HealthCheckResponse:
        """The status of a service, or NOT_FOUND."""
        answer = self._health.check(request)
        if answer.status == UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND)
        return answer

    async def Watch(  # noqa: N802 (the contract's name)
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> None:
        """The status of a service, and its changes."""
        async for answer in self._health.answers(request):
            await context.write(answer)
