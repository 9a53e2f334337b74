"""A server of KeysService and TokenService that does what a test tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from signing import Pair

from gatepost_client.contract import keys_service_pb2, keys_service_pb2_grpc, token_service_pb2, token_service_pb2_grpc
from tests.certificates import Authority

HEARTBEAT_SECONDS = 0.05


class ScriptedGatepost(keys_service_pb2_grpc.KeysServiceServicer, token_service_pb2_grpc.TokenServiceServicer):
    """What it publishes, tells and answers; and how often it was asked."""

    def __init__(self) -> None:
        self.pair = Pair("key-1")
        self.published = [self.pair]
        self.log: list[Any] = []
        self.refused: set[str] = set()
        self.role = "user"
        self.cursors: list[str] = []
        self.key_calls = self.token_calls = 0
        self.metadata: Any = ()
        self.time_remaining = 0.0
        self.get_keys: Any = None
        self.revoke: Any = None
        self.is_silent = False
        self.refuses_cursors = False
        self._changed = asyncio.Condition()
        self._server: grpc.aio.Server | None = None
        self.port = 0

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listens, after a stop where it did before."""
        self._server = self._made()
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self._server.start()

    async def listen_at(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Listens there instead; the port, where it has one."""
        await self.stop()
        self._server = self._made()
        port = (
            self._server.add_secure_port(address, credentials)
            if credentials
            else self._server.add_insecure_port(address)
        )
        await self._server.start()
        return port

    async def listen_with_tls(self, authority: Authority) -> str:
        """Listens for clients that have a certificate of the authority; the target."""
        ours = authority.issue("localhost")
        credentials = grpc.ssl_server_credentials([(ours.key, ours.chain)], authority.pem, require_client_auth=True)
        return f"localhost:{await self.listen_at('127.0.0.1:0', credentials)}"

    def _made(self) -> grpc.aio.Server:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        keys_service_pb2_grpc.add_KeysServiceServicer_to_server(self, server)
        token_service_pb2_grpc.add_TokenServiceServicer_to_server(self, server)
        return server

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)

    async def tell(self, **subject: str) -> None:
        """Ends a sign_in_id, user_id or key_id, and says so to all who watch."""
        now = Timestamp()
        now.GetCurrentTime()
        await self.tell_at(now, **subject)

    async def tell_at(self, at: Timestamp, **subject: str) -> None:
        async with self._changed:
            told: Any = token_service_pb2.Revocation
            self.log.append(told(revoke_time=at, **subject))
            self._changed.notify_all()

    async def GetJsonWebKeySet(self, request: Any, context: Any) -> Any:
        self.key_calls += 1
        self.metadata, self.time_remaining = context.invocation_metadata(), context.time_remaining()
        if self.get_keys is not None:
            return await self.get_keys(request, context)
        return keys_service_pb2.GetJsonWebKeySetResponse(keys=[pair.published for pair in self.published])

    async def VerifyAccessToken(self, request: Any, context: Any) -> token_service_pb2.VerifyAccessTokenResponse:
        self.token_calls += 1
        if request.access_token in self.refused:
            await refuse(context, grpc.StatusCode.UNAUTHENTICATED, "ACCESS_TOKEN_INVALID")
        claims = token_service_pb2.AccessTokenClaims(role=self.role)
        return token_service_pb2.VerifyAccessTokenResponse(claims=claims)

    async def Revoke(self, request: Any, context: Any) -> Any:
        return await self.revoke(request, context)

    async def Introspect(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def WatchRevocations(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.cursors.append(request.cursor)
        self.metadata = context.invocation_metadata()
        if request.cursor and self.refuses_cursors:
            await refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "REVOCATION_CURSOR_INVALID")
        response = token_service_pb2.WatchRevocationsResponse
        told = int(request.cursor or 0)
        is_new = True
        while True:
            if not self.is_silent:
                for revocation in self.log[told:]:
                    told += 1
                    yield response(revocation=revocation, cursor=str(told))
                sign = (
                    {"in_sync": token_service_pb2.InSync()} if is_new else {"heartbeat": token_service_pb2.Heartbeat()}
                )
                is_new = False
                yield response(cursor=str(told), **sign)
            async with self._changed:
                try:
                    await asyncio.wait_for(self._changed.wait(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    continue


async def refuse(context: Any, code: grpc.StatusCode, reason: str, *details: Any) -> None:
    """Ends a call as Gatepost does."""
    status = Status(code=code.value[0], message=f"refused: {reason}")
    info = ErrorInfo(reason=reason, domain="gatepost", metadata={"request_id": "r-1"})
    for detail in (info, *details):
        status.details.add().Pack(detail)
    await context.abort(code, status.message, (("grpc-status-details-bin", status.SerializeToString()),))
