"""AuditService: what happened and what was refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from auth_server.interceptors.calls import Call
from auth_server.servicers.times import write_time
from auth_server.usecases.audit_reading import AuditReading, Told, ToldEvent
from gatepost.v1 import audit_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class AuditService:
    """The RPCs of gatepost.v1.AuditService."""

    reading: AuditReading

    async def ListEvents(self, request: pb.ListEventsRequest, _: Call) -> pb.ListEventsResponse:
        """Lists events."""
        page = await self.reading.page(request.page_size, request.page_token, request.user_id, request.event)
        return pb.ListEventsResponse(events=map(message_of_event, page.events), next_page_token=page.next_token)

    async def WatchEvents(self, request: pb.WatchEventsRequest, _: Call) -> AsyncIterator[pb.WatchEventsResponse]:
        """Tells of every event."""
        events = await self.reading.watch(request.cursor)
        return (message_of(told) async for told in events)


def message_of(told: Told) -> pb.WatchEventsResponse:
    """One message of the stream."""
    event = message_of_event(told.event) if told.event is not None else None
    return pb.WatchEventsResponse(event=event, cursor=told.cursor)


def message_of_event(told: ToldEvent) -> pb.AuditEvent:
    """The event, and what was personal in it."""
    event, personal = told.event, told.personal
    message = pb.AuditEvent(
        position=told.link.position,
        hash=told.link.hash.hex(),
        event=event.event,
        outcome=event.outcome,
        repeats=event.repeats,
        user_id=str(event.user_id) if event.user_id else None,
        caller=event.caller,
        rpc=event.rpc,
        request_id=event.request_id,
        address=personal.address,
        agent=personal.agent,
        email=personal.email,
        target=event.target,
    )
    write_time(event.at, message.event_time)
    return message
