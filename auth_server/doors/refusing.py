"""What every handler of the gRPC port needs to read of a call, and to end it."""

from __future__ import annotations

from typing import Any

from google.rpc import status_pb2
from grpc_status import rpc_status

CREDENTIALS = ("x-auth-secret", "authorization", "x-session-token", "x-gateway-credential")


def metadata_of(context: Any) -> dict[str, str | bytes]:
    """The metadata by key; a credential that is given twice is empty, which is none, yet no absence of one."""
    pairs = context.invocation_metadata()
    metadata: dict[str, str | bytes] = dict(pairs)
    if len(metadata) < len(pairs):
        keys = [key for key, _ in pairs]
        for credential in CREDENTIALS:
            if keys.count(credential) > 1:
                metadata[credential] = ""
    return metadata


async def abort(context: Any, status: status_pb2.Status) -> None:
    """Ends the call with the status, by an exception that its handler must let through."""
    packed = rpc_status.to_status(status)
    await context.abort(packed.code, packed.details, packed.trailing_metadata)
