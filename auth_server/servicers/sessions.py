"""SessionService: where users are signed in."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from auth_server.domain.sign_ins import LiveSignIn
from auth_server.interceptors.calls import Call
from auth_server.servicers.times import write_time
from auth_server.usecases.sign_ins import SignIns
from gatepost.v1 import session_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class SessionService:
    """The RPCs of gatepost.v1.SessionService."""

    sign_ins: SignIns

    async def ListSignIns(self, request: pb.ListSignInsRequest, call: Call) -> pb.ListSignInsResponse:
        """Lists sign-ins."""
        page = await self.sign_ins.page(request.user_id, request.page_size, request.page_token)
        shown = [message_of_sign_in(each, current_of(call)) for each in page.sign_ins]
        return pb.ListSignInsResponse(sign_ins=shown, next_page_token=page.next_token)

    async def EndSignIn(self, request: pb.EndSignInRequest, _: Call) -> pb.EndSignInResponse:
        """Ends a sign-in."""
        await self.sign_ins.end(request.user_id, request.id)
        return pb.EndSignInResponse()

    async def EndSignIns(self, request: pb.EndSignInsRequest, call: Call) -> pb.EndSignInsResponse:
        """Ends all sign-ins, or all but the caller's own."""
        await self.sign_ins.end_all(request.user_id, current_of(call) if request.keep_current else None)
        return pb.EndSignInsResponse()


def current_of(call: Call) -> UUID | None:
    """The caller's own sign-in; a service has none."""
    return call.caller.sign_in_id if call.caller else None


def message_of_sign_in(sign_in: LiveSignIn, current: UUID | None) -> pb.SignIn:
    """The sign-in as its user sees it."""
    message = pb.SignIn(
        id=str(sign_in.id), device=sign_in.device, address=sign_in.address, current=sign_in.id == current
    )
    write_time(sign_in.created, message.create_time)
    write_time(sign_in.last_used, message.last_use_time)
    write_time(sign_in.expires, message.expire_time)
    return message
