"""How the channel to Gatepost is dialled, kept alive, and retried."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from gatepost_client.contract import (
    adapter_service_pb2,
    audit_service_pb2,
    auth_service_pb2,
    identity_service_pb2,
    images_service_pb2,
    keys_service_pb2,
    mail_service_pb2,
    passkey_service_pb2,
    second_factor_service_pb2,
    session_service_pb2,
    token_service_pb2,
    users_service_pb2,
)
from gatepost_client.credentials import Tls

# What the server takes, and more than a page of 200 users has whose texts are as long as they may be.
_LARGEST_REQUEST_BYTES = 64 * 1024
_LARGEST_ANSWER_BYTES = 32 * 1024 * 1024

SERVICES: Sequence[ServiceDescriptor] = tuple(
    service
    for file in (
        adapter_service_pb2,
        audit_service_pb2,
        auth_service_pb2,
        identity_service_pb2,
        images_service_pb2,
        keys_service_pb2,
        mail_service_pb2,
        passkey_service_pb2,
        second_factor_service_pb2,
        session_service_pb2,
        token_service_pb2,
        users_service_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
)
_PACKAGE = "gatepost.v1"
_OTHER_READS = frozenset({"VerifyAccessToken", "Introspect"})

# A read does nothing that a second one would do again. Only UNAVAILABLE is retried: no other code means that the call
# was not judged.
_RETRY = {
    "maxAttempts": 3,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def reads() -> list[tuple[str, str]]:
    """The methods that only read and answer once, as service and method."""
    return [
        (f"{_PACKAGE}.{service.name}", method.name)
        for service in SERVICES
        for method in service.methods
        if method.name.startswith(("Get", "List")) or method.name in _OTHER_READS
    ]


def _service_config() -> str:
    names = [{"service": service, "method": method} for service, method in reads()]
    # Calls go to each address that the target has, not all to the first.
    balancing: list[dict[str, Any]] = [{"round_robin": {}}]
    return json.dumps({"loadBalancingConfig": balancing, "methodConfig": [{"name": names, "retryPolicy": _RETRY}]})


_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.service_config", _service_config()),
    # While a call is under way, a peer that went away without a word is noticed. The stream of revocations is always
    # under way, and its heartbeats keep the server from taking these pings for a flood.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # A server that was away is found again within about a second; gRPC's own measure is up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.min_reconnect_backoff_ms", 2000),
    ("grpc.dns_min_time_between_resolutions_ms", 1000),
    ("grpc.max_send_message_length", _LARGEST_REQUEST_BYTES),
    ("grpc.max_receive_message_length", _LARGEST_ANSWER_BYTES),
)


def dialled(
    target: str, *, tls: Tls | None, plaintext: bool, interceptors: Sequence[grpc.aio.ClientInterceptor]
) -> grpc.aio.Channel:
    """A channel that connects when it is used, and again whenever it has to.

    TLS unless `plaintext` is asked for or the target is a Unix socket, which no network sees.
    """
    if plaintext or (tls is None and target.startswith(("unix:", "unix-abstract:"))):
        return grpc.aio.insecure_channel(target, options=_OPTIONS, interceptors=interceptors)
    secured = tls or Tls()
    named = (("grpc.ssl_target_name_override", secured.server_name),) if secured.server_name else ()
    return grpc.aio.secure_channel(
        target, secured.channel_credentials(), options=_OPTIONS + named, interceptors=interceptors
    )
