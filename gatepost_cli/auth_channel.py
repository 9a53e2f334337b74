"""The gateway's channel to an auth server in another process, or to several."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import grpc

from auth_server.doors.certificate_files import CertificateError, CertificateFiles, Certificates
from gatepost_cli.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from http_gateway.settings import GatewaySettings

    Metadata = Sequence[tuple[str, str]]

# What the auth server takes, and more than a page of 200 users has whose texts are as long as they may be.
_LARGEST_REQUEST_BYTES = 64 * 1024
_LARGEST_ANSWER_BYTES = 32 * 1024 * 1024

_OPTIONS = (
    # Calls go to each address that the name has, not all to the first.
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    # A server that was away is found again within about a second; gRPC's own measure is up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # How long an attempt to connect may take: with gRPC's 20 s, a host that went away without a word is waited for.
    ("grpc.min_reconnect_backoff_ms", 2000),
    # How soon a name is looked up again, as a server that comes back may have another address.
    ("grpc.dns_min_time_between_resolutions_ms", 1000),
    ("grpc.max_send_message_length", _LARGEST_REQUEST_BYTES),
    ("grpc.max_receive_message_length", _LARGEST_ANSWER_BYTES),
)
_LOOK_EVERY_SECONDS = 1.0


class AuthChannel:
    """Connects when it is used, again whenever it has to, and anew when its files of certificates change."""

    def __init__(self, target: str, files: CertificateFiles | None, proof: Metadata, grace_seconds: float) -> None:
        """A channel in plaintext where there are no files; `proof` goes with every call.

        Raises:
            CertificateError: the files cannot be used.
        """
        self._target = target
        self._files = files
        self._proof = proof
        self._grace_seconds = grace_seconds
        self._channel = self._dialled(files.read() if files is not None else None)
        self._looked = float("-inf")
        self._closing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> AuthChannel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()
        await asyncio.gather(*self._closing)

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
    ) -> RpcCall:
        """A call of the RPC of this path, over the channel of its time."""
        return RpcCall(self, "unary_unary", method, request_serializer, response_deserializer)

    def unary_stream(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
    ) -> RpcCall:
        """The same, of an RPC that answers a stream."""
        return RpcCall(self, "unary_stream", method, request_serializer, response_deserializer)

    def stream_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
    ) -> RpcCall:
        """The same, of an RPC that takes a stream of requests."""
        return RpcCall(self, "stream_unary", method, request_serializer, response_deserializer)

    @property
    def proof(self) -> Metadata:
        """What tells the server that a gateway calls."""
        return self._proof

    def now(self) -> grpc.aio.Channel:
        """The channel of this time. One under older certificates closes when its calls have ended."""
        if self._files is None:
            return self._channel
        now = asyncio.get_running_loop().time()
        if now - self._looked >= _LOOK_EVERY_SECONDS:
            self._looked = now
            fresh = self._files.changed()
            if fresh is not None:
                closing = asyncio.create_task(self._channel.close(self._grace_seconds))
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
                self._channel = self._dialled(fresh)
        return self._channel

    def _dialled(self, certificates: Certificates | None) -> grpc.aio.Channel:
        if certificates is None:
            return grpc.aio.insecure_channel(self._target, options=_OPTIONS)
        credentials = grpc.ssl_channel_credentials(certificates.authority, certificates.key, certificates.chain)
        return grpc.aio.secure_channel(self._target, credentials, options=_OPTIONS)


class RpcCall:
    """One RPC, ready to be called any number of times."""

    def __init__(self, owner: AuthChannel, kind: str, *of: Any) -> None:
        """A call of this kind, which is the name of a channel's method."""
        self._owner = owner
        self._kind = kind
        self._of = of
        self._channel: grpc.aio.Channel | None = None
        self._call: Any = None

    # The parameters are those of grpc.aio's multi-callables.
    def __call__(
        self,
        message: Any,
        /,
        *,
        metadata: Metadata = (),
        timeout: float | None = None,
    ) -> Any:
        """The RPC's answer, to be awaited, or to be iterated where it is a stream.

        Raises, from there:
            grpc.aio.AioRpcError: the RPC was refused or could not be made.
        """
        channel = self._owner.now()
        if channel is not self._channel:
            self._channel, self._call = channel, getattr(channel, self._kind)(*self._of)
        return self._call(message, metadata=[*metadata, *self._owner.proof], timeout=timeout)


def dialled(settings: GatewaySettings) -> AuthChannel:
    """The channel that the settings describe.

    Raises:
        RefusalError: it would be plaintext over TCP and nobody allows that, or its files cannot be used.
    """
    longest_seconds = max(
        settings.request_timeout_seconds, settings.stream_timeout_seconds, settings.upload_timeout_seconds
    )
    try:
        return AuthChannel(settings.auth_target, _files_of(settings), _proof_of(settings), longest_seconds)
    except CertificateError as error:
        raise RefusalError(f"the certificates for calls to the auth server: {error}") from error


def _files_of(settings: GatewaySettings) -> CertificateFiles | None:
    authority, certificate, key = settings.auth_tls_ca, settings.auth_tls_certificate, settings.auth_tls_key
    if (certificate is None) != (key is None) or (authority is None and certificate is not None):
        raise RefusalError(
            "GATEPOST_AUTH_TLS_CERTIFICATE and GATEPOST_AUTH_TLS_KEY belong together, and GATEPOST_AUTH_TLS_CA to them"
        )
    if authority is not None:
        return CertificateFiles(certificate=certificate, key=key, authority=authority)
    if not settings.auth_insecure and not settings.auth_target.startswith("unix:"):
        raise RefusalError(
            f"calls to the auth server at {settings.auth_target} would be plaintext: give GATEPOST_AUTH_TLS_CA, dial a"
            " Unix socket by GATEPOST_AUTH_TARGET=unix:/path, or allow plaintext by GATEPOST_AUTH_INSECURE=true"
        )
    return None


def _proof_of(settings: GatewaySettings) -> Metadata:
    if settings.auth_gateway_credential is None:
        return ()
    credential = settings.auth_gateway_credential.get_secret_value()
    return (("x-gateway-credential", f"Basic {base64.b64encode(credential.encode()).decode()}"),)
