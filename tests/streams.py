"""Streams of revocations for tests, and what their messages tell."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from gatepost.v1 import token_service_pb2 as pb


def told(message: Any) -> Any:
    """What a message of the stream tells, in one word or as (subject, id, reason)."""
    kind = message.WhichOneof("event")
    if kind != "revocation":
        return kind
    revocation = message.revocation
    subject = revocation.WhichOneof("subject")
    return subject, getattr(revocation, subject), pb.Revocation.Reason.Name(revocation.reason)


class Stream:
    """A stream of revocations, and the cursor of its last message."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.cursor = ""

    async def next(self) -> Any:
        """What the next message tells."""
        message = await asyncio.wait_for(self.call.read(), 30)
        assert message is not grpc.aio.EOF
        self.cursor = message.cursor
        return told(message)

    async def until(self, wanted: Any) -> list[Any]:
        """Everything up to what is waited for, heartbeats left out."""
        seen: list[Any] = []
        while wanted not in seen:
            what = await self.next()
            seen += [what] if what != "heartbeat" or wanted == "heartbeat" else []
        return seen
