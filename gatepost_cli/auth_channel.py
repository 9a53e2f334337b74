"""The gateway's channel to an auth server in another process, or to several."""

from __future__ import annotations

import json

import grpc

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


def dialled(target: str) -> grpc.aio.Channel:
    """A channel that connects when it is used, and again whenever it has to."""
    return grpc.aio.insecure_channel(target, options=_OPTIONS)
