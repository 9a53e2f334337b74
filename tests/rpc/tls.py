"""Servers that speak TLS, and how they are reached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from auth_server.settings import AuthServerSettings
from gatepost.v1 import users_service_pb2, users_service_pb2_grpc
from tests.certificates import Authority

NAMES = ("localhost", "127.0.0.1")
# Else gRPC keeps a connection to one address for all channels of the process.
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)


@dataclass
class Files:
    """A server's certificates, in a folder."""

    folder: Path
    servers: Authority
    clients: Authority

    def __post_init__(self) -> None:
        self.certificate, self.key = self.servers.issue(*NAMES).write(self.folder, "server")
        self.client_ca = self.clients.write(self.folder / "clients.crt")

    def of(self, settings: AuthServerSettings, *, mutual: bool, **more: Any) -> AuthServerSettings:
        """The settings of a server with them."""
        own = {"grpc_insecure": False, "grpc_tls_certificate": self.certificate, "grpc_tls_key": self.key}
        return settings.model_copy(update={**own, "grpc_tls_client_ca": self.client_ca if mutual else None, **more})


async def health(channel):
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=3)
    return answer.status == health_pb2.HealthCheckResponse.SERVING


async def unreachable(channel):
    """Whether no connection comes to be."""
    try:
        return not await health(channel)
    except grpc.aio.AioRpcError as error:
        return error.code() is grpc.StatusCode.UNAVAILABLE


def dial(server, authority, issued=None):
    """A channel by TLS, with a client certificate where one is given."""
    own = (issued.key, issued.chain) if issued else (None, None)
    target = server.grpc_target.replace("127.0.0.1", "localhost")
    return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(authority.pem, *own), OWN_CONNECTION)


async def list_users(channel, **more):
    return await users_service_pb2_grpc.UsersServiceStub(channel).ListUsers(
        users_service_pb2.ListUsersRequest(), timeout=3, **more
    )
