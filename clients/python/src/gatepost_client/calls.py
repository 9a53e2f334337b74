"""What stands around each call: the credential, a deadline, and errors with Gatepost's reasons."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from datetime import timedelta
from typing import Any

import grpc

from gatepost_client.credentials import Credential
from gatepost_client.errors import GatepostError

# grpc.aio's own type does not say that it is a named tuple.
Details = Any


def interceptors(credential: Credential | None, deadline: timedelta) -> Sequence[grpc.aio.ClientInterceptor]:
    """The interceptors of a channel that presents the credential and waits no longer than the deadline."""
    return (_Unary(credential, deadline), _Stream(credential), _Upload(credential))


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, credential: Credential | None, deadline: timedelta) -> None:
        self._credential = credential
        self._seconds = deadline.total_seconds()

    async def intercept_unary_unary(
        self, continuation: Callable[[Details, Any], Awaitable[Any]], client_call_details: Details, request: Any
    ) -> Any:
        details = _with_credential(client_call_details, self._credential)
        if details.timeout is None:
            details = details._replace(timeout=self._seconds)
        try:
            call = await continuation(details, request)
            return await call
        except grpc.aio.AioRpcError as error:
            raise GatepostError.of(error) from None


class _Stream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, credential: Credential | None) -> None:
        self._credential = credential

    async def intercept_unary_stream(
        self, continuation: Callable[[Details, Any], Awaitable[Any]], client_call_details: Details, request: Any
    ) -> Any:
        return _translated(await continuation(_with_credential(client_call_details, self._credential), request))


class _Upload(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, credential: Credential | None) -> None:
        self._credential = credential

    async def intercept_stream_unary(
        self,
        continuation: Callable[[Details, Any], Awaitable[Any]],
        client_call_details: Details,
        request_iterator: Any,
    ) -> Any:
        details = _with_credential(client_call_details, self._credential)
        return _TranslatedCall(await continuation(details, request_iterator))


class _TranslatedCall:
    """A call that still takes requests, of whose answer the errors are Gatepost's."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def __await__(self) -> Generator[Any, None, Any]:
        try:
            return (yield from self._call.__await__())
        except grpc.aio.AioRpcError as error:
            raise GatepostError.of(error) from None


async def _translated(call: Any) -> AsyncIterator[Any]:
    try:
        async for message in call:
            yield message
    except grpc.aio.AioRpcError as error:
        raise GatepostError.of(error) from None


def _with_credential(details: Details, credential: Credential | None) -> Details:
    """The details with the credential, unless the call brings a value of its own, such as a user's Bearer token."""
    if credential is None:
        return details
    key, value = credential.metadatum()
    given = tuple(details.metadata or ())
    if any(name == key for name, _ in given):
        return details
    return details._replace(metadata=grpc.aio.Metadata(*given, (key, value)))
