"""A call of an RPC, and how interceptors stand around its handler."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from auth_server.domain.clients import Client, client_of
from auth_server.domain.errors import AuthError, PermissionDeniedError
from auth_server.domain.identities import Identity
from auth_server.domain.services import Service
from auth_server.usecases.access import SignedInCaller
from gatepost.v1 import options_pb2

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Method:
    """What the contract says of an RPC."""

    path: str
    descriptor: MethodDescriptor
    guard: options_pb2.Guard.ValueType
    owner: options_pb2.Owner
    request: type[Message]
    response: type[Message]
    streams: bool
    """Whether the answer is a stream of messages: its handler answers an async generator of them."""
    takes_stream: bool
    """Whether the request is a stream of messages: its handler gets an async iterator of them."""

    @classmethod
    def of(cls, descriptor: MethodDescriptor) -> Method:
        """The method of this descriptor."""
        options = descriptor.GetOptions()
        return cls(
            path=f"/{descriptor.containing_service.full_name}/{descriptor.name}",
            descriptor=descriptor,
            guard=options.Extensions[options_pb2.guard],
            owner=options.Extensions[options_pb2.owner],
            request=GetMessageClass(descriptor.input_type),
            response=GetMessageClass(descriptor.output_type),
            streams=descriptor.server_streaming,
            takes_stream=descriptor.client_streaming,
        )


@dataclass(slots=True)
class Call:
    """One call: what came with it besides the message, and what the guard found out about the caller."""

    metadata: Mapping[str, str | bytes]
    seconds_left: float | None = None
    names_of_certificate: Callable[[], tuple[str, ...]] = tuple
    """Tells the DNS names and URIs of the client's certificate, which the port has verified; none without mTLS."""
    from_gateway: bool = False
    """Whether a gateway calls that has proven who it is: then the metadata speaks of the client behind it."""
    peer_address: Callable[[], str] = str
    """Tells the IP address at the other end of the connection; empty where there is none."""
    request_id: str = field(init=False)
    caller: SignedInCaller | None = None
    service: Service | None = None
    """The internal service that calls; there is no `caller` then."""
    identity: Identity | None = None
    by_previous_secret: bool = False
    """Whether the adapter secret that was presented is the one before."""
    refresh_token: str = ""
    is_admitted: bool = False
    """Whether the guard has let the caller in."""
    denial: AuthError | None = None
    """The refusal that the answer tells of, where it is no refusal of the call itself."""

    def __post_init__(self) -> None:
        given = self.metadata.get("x-request-id")
        good = isinstance(given, str) and REQUEST_ID.fullmatch(given)
        self.request_id = str(given) if good else secrets.token_hex(16)

    @property
    def signed_in_caller(self) -> SignedInCaller:
        """The user who calls, where the guard lets nobody else in.

        Raises:
            PermissionDeniedError: somebody else called.
        """
        if self.caller is None:
            raise PermissionDeniedError
        return self.caller

    @property
    def client(self) -> Client:
        """Where the call comes from: as a proven gateway tells, else as the connection shows."""
        if self.from_gateway:
            return client_of(self.metadata.get("x-client-address"), self.metadata.get("x-client-agent"))
        return client_of(self.peer_address(), self.metadata.get("user-agent"))


Handler = Callable[[Any, Call], Awaitable[Any]]
Interceptor = Callable[[Method, Handler], Handler]


def stand_around(method: Method, handler: Handler, interceptors: Iterable[Interceptor]) -> Handler:
    """The handler with the interceptors around it, the first one outermost."""
    for interceptor in reversed(list(interceptors)):
        handler = interceptor(method, handler)
    return handler
