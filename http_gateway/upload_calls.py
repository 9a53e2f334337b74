"""Waits for the answer to an upload, whose status grpcio may forget."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import Any

from grpc.aio import AioRpcError, Call, Metadata


async def answer_to(call: Awaitable[Any]) -> Any:
    """What the call answers.

    Where the server ends a call while its client writes, grpcio may put an INTERNAL of its own in the place of the
    status that has come (github.com/grpc/grpc/issues/36066). So each one is kept as it comes, and that of the server
    counts.

    Raises:
        AioRpcError: the RPC was refused or could not be made.
    """
    ended: list[AioRpcError] = []
    if isinstance(call, Call):
        call.add_done_callback(lambda done: ended.append(_status_of(done)))
    try:
        return await call
    except AioRpcError as error:
        raise next((each for each in (error, *ended) if _is_of_server(each)), error) from None


def _is_of_server(error: AioRpcError) -> bool:
    return any(key == "grpc-status-details-bin" for key, _ in error.trailing_metadata() or ())


def _status_of(call: Any) -> AioRpcError:
    """How a call ended that has just done so: what tells it need not wait."""
    return AioRpcError(
        _at_once(call.code()),
        Metadata(),
        Metadata.from_tuple(tuple(_at_once(call.trailing_metadata()) or ())),
        details=_at_once(call.details()),
    )


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise AssertionError("the call has not ended")
