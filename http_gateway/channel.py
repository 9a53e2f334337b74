"""What the gateway needs of a gRPC channel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol


class UnaryCall(Protocol):
    """One RPC, ready to be called any number of times."""

    def __call__(
        self, message: Any, /, *, metadata: Sequence[tuple[str, str]], timeout: float | None
    ) -> Awaitable[Any]:
        """The RPC's answer.

        Raises:
            grpc.aio.AioRpcError: the RPC was refused or could not be made.
        """


class Channel(Protocol):
    """A grpc.aio.Channel, or one that leads to servicers in this process."""

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
    ) -> UnaryCall:
        """A call of the RPC `/package.Service/Method`."""
