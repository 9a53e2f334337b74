"""Two servers with small budgets on one database, called from addresses of one's choice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from auth_server.app import RunningServer
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from gatepost.v1 import auth_service_pb2 as pb
from tests.conftest import Clock
from tests.people import PASSWORD, detail_of, reason_of
from tests.servers import running_still

SMALL = {
    "login.account": 5,
    "login.device": 3,
    "login.devices": 4,
    "login.block": 12,
    "login.all": 20,
    "login.spare": 2,
    "register.block": 3,
    "register.spare": 2,
    "register.all": 6,
    "forgot_password.block": 3,
    "forgot_password.spare": 2,
    "forgot_password.all": 6,
    "forgot_password.device": 2,
    "mailed_link.block": 3,
    "mailed_link.link": 4,
    "mailed_link.all": 10,
    "reauthentication.account": 3,
    "oauth_login.account": 3,
    "second_factor.account": 3,
    "second_factor.device": 2,
    "second_factor.devices": 4,
    "second_factor.block": 12,
    "second_factor.all": 20,
    "second_factor.spare": 2,
    "passkey.block": 3,
    "passkey.spare": 2,
    "passkey.all": 20,
    "credential.block": 3,
}
MOST_FAILURES = 8
EVALUATED = ("OK", "CREDENTIALS_INVALID")
Metadata = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Client:
    """A person's device, somewhere; `outcome_of` answers `OK` or the reason of the refusal."""

    server: RunningServer
    address: str = "192.0.2.1"

    async def call(self, rpc: str, request: Any, metadata: Metadata | None = None) -> Any:
        """The answer of the RPC, which a gateway in the server's process calls for the client."""
        told = [("x-client-address", self.address)] if self.address else []
        return await self.server.channel.unary_unary(f"/gatepost.v1.{rpc}")(
            request, metadata=[*told, *(metadata or [])]
        )

    async def outcome_of(self, rpc: str, request: Any, metadata: Metadata | None = None) -> str:
        """`OK`, or the reason of the refusal."""
        try:
            await self.call(rpc, request, metadata)
        except grpc.aio.AioRpcError as error:
            return reason_of(error)
        return "OK"

    async def login(self, email: str, password: str = PASSWORD, device_token: str = "") -> str:
        """What became of a login."""
        return await self.outcome_of("AuthService/Login", login_request(email, password, device_token))

    async def device_token(self, email: str, presented: str = "") -> str:
        """The device token of a login that succeeds."""
        answer = await self.call("AuthService/Login", login_request(email, PASSWORD, presented))
        return str(answer.device_token)


def login_request(email: str, password: str = PASSWORD, device_token: str = "") -> pb.LoginRequest:
    """A login, from a device that may be known."""
    return pb.LoginRequest(email=email, password=password, device_token=device_token or None)


def wait_of(error: grpc.aio.AioRpcError) -> float:
    """When to try again, in seconds."""
    return float(detail_of(error, error_details_pb2.RetryInfo()).retry_delay.ToTimedelta().total_seconds())


@pytest.fixture(scope="session")
async def shared_throttled(
    settings: AuthServerSettings, shared_clock: Clock
) -> AsyncIterator[tuple[RunningServer, RunningServer]]:
    small = {
        "throttles": ",".join(f"{name}={limit}" for name, limit in SMALL.items()),
        "most_failures": MOST_FAILURES,
        "reflection": False,
    }
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(running_still(settings.model_copy(update=small), shared_clock))
        yield one, await stack.enter_async_context(running_still(settings.model_copy(update=small), shared_clock))


@pytest.fixture
def throttled(
    shared_throttled: tuple[RunningServer, RunningServer], db: Database, clock: Callable[[], datetime]
) -> tuple[RunningServer, RunningServer]:
    """The two servers, on an empty database."""
    return shared_throttled
