"""What the gateway needs of a gRPC channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
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


class Messages(Protocol):
    """The answer of an RPC that streams: its messages as they come."""

    def __aiter__(self) -> AsyncIterator[Any]:
        """The messages, once.

        Raises, from the iterator:
            grpc.aio.AioRpcError: the RPC was refused or could not be made, or ended before its end.
        """

    def cancel(self) -> bool:
        """Ends the stream, where it has not ended; whether it had not."""


class StreamCall(Protocol):
    """One RPC that answers a stream, ready to be called any number of times."""

    def __call__(self, message: Any, /, *, metadata: Sequence[tuple[str, str]], timeout: float | None) -> Messages:
        """The RPC's answer; it may take so long as a whole."""


class UploadCall(Protocol):
    """One RPC that takes a stream of requests, ready to be called any number of times."""

    def __call__(
        self, messages: AsyncIterator[Any], /, *, metadata: Sequence[tuple[str, str]], timeout: float | None
    ) -> Awaitable[Any]:
        """The RPC's answer, which may come before the end of the requests.

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

    def unary_stream(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
    ) -> StreamCall:
        """A call of the RPC `/package.Service/Method`, which answers a stream."""

    def stream_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
    ) -> UploadCall:
        """A call of the RPC `/package.Service/Method`, which takes a stream of requests."""
