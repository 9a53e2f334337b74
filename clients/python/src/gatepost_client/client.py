"""A client of Gatepost's gRPC port: one channel, and the contract's stubs on it."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from types import TracebackType
from typing import Self

import grpc

from gatepost_client import calls, channels
from gatepost_client.contract.adapter_service_pb2_grpc import AdapterServiceStub
from gatepost_client.contract.audit_service_pb2_grpc import AuditServiceStub
from gatepost_client.contract.auth_service_pb2_grpc import AuthServiceStub
from gatepost_client.contract.identity_service_pb2_grpc import IdentityServiceStub
from gatepost_client.contract.images_service_pb2_grpc import ImagesServiceStub
from gatepost_client.contract.keys_service_pb2_grpc import KeysServiceStub
from gatepost_client.contract.mail_service_pb2_grpc import MailServiceStub
from gatepost_client.contract.passkey_service_pb2_grpc import PasskeyServiceStub
from gatepost_client.contract.second_factor_service_pb2_grpc import SecondFactorServiceStub
from gatepost_client.contract.session_service_pb2_grpc import SessionServiceStub
from gatepost_client.contract.token_service_pb2_grpc import TokenServiceStub
from gatepost_client.contract.users_service_pb2_grpc import UsersServiceStub
from gatepost_client.credentials import Credential, Tls

_TEN_SECONDS = timedelta(seconds=10)


class GatepostClient:
    """A connection to Gatepost, made when it is first used and again whenever it has to.

    Make it anywhere, use it within `async with` on one event loop. Its stubs raise GatepostError. A call's own
    metadata wins over the client's credential: `client.users.GetUser(request, metadata=[("authorization", f"Bearer
    {token}")])` speaks for a user.
    """

    def __init__(
        self,
        target: str,
        *,
        credential: Credential | None = None,
        tls: Tls | None = None,
        plaintext: bool = False,
        deadline: timedelta = _TEN_SECONDS,
    ) -> None:
        """A client of the server at `host:port`, `dns:///host:port` or `unix:/path`.

        `deadline` holds for calls that are given none, but for uploads and streams. TLS is used unless `plaintext` is
        asked for or the target is a Unix socket.

        Raises:
            ValueError: both TLS and plaintext were asked for.
        """
        if plaintext and tls is not None:
            raise ValueError("either TLS or plaintext")
        self._target = target
        self._credential = credential
        self._tls = tls
        self._plaintext = plaintext
        self._deadline = deadline

    @cached_property
    def channel(self) -> grpc.aio.Channel:
        """The channel, for stubs of other contracts."""
        around = calls.interceptors(self._credential, self._deadline)
        return channels.dialled(self._target, tls=self._tls, plaintext=self._plaintext, interceptors=around)

    @cached_property
    def adapter(self) -> AdapterServiceStub:
        """What the front end's adapter does."""
        return AdapterServiceStub(self.channel)

    @cached_property
    def auth(self) -> AuthServiceStub:
        """Registering, signing in, refreshing, logging out."""
        return AuthServiceStub(self.channel)

    @cached_property
    def identity(self) -> IdentityServiceStub:
        """Who a request comes from."""
        return IdentityServiceStub(self.channel)

    @cached_property
    def images(self) -> ImagesServiceStub:
        """Users' images, for everybody."""
        return ImagesServiceStub(self.channel)

    @cached_property
    def keys(self) -> KeysServiceStub:
        """The keys that verify access tokens."""
        return KeysServiceStub(self.channel)

    @cached_property
    def audit(self) -> AuditServiceStub:
        """What happened and what was refused, for operators and for services that keep watch."""
        return AuditServiceStub(self.channel)

    @cached_property
    def mails(self) -> MailServiceStub:
        """Mails that wait or have failed, for operators."""
        return MailServiceStub(self.channel)

    @cached_property
    def passkeys(self) -> PasskeyServiceStub:
        """Users' passkeys, and signing in by them."""
        return PasskeyServiceStub(self.channel)

    @cached_property
    def second_factors(self) -> SecondFactorServiceStub:
        """Users' second factors."""
        return SecondFactorServiceStub(self.channel)

    @cached_property
    def sessions(self) -> SessionServiceStub:
        """Where users are signed in, and ending it."""
        return SessionServiceStub(self.channel)

    @cached_property
    def tokens(self) -> TokenServiceStub:
        """Which tokens are good."""
        return TokenServiceStub(self.channel)

    @cached_property
    def users(self) -> UsersServiceStub:
        """Users, as they see themselves and operators see them."""
        return UsersServiceStub(self.channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        used = [name for name in vars(self) if not name.startswith("_")]
        if "channel" in used:
            await self.channel.close()
        # Entered again, it connects again.
        for name in used:
            delattr(self, name)
