"""MailService: the mails that wait or have failed."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.domain.mails import MailNote
from auth_server.interceptors.calls import Call
from auth_server.servicers.times import write_time
from auth_server.usecases.mails import Mails
from gatepost.v1 import mail_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class MailService:
    """The RPCs of gatepost.v1.MailService."""

    mails: Mails

    async def ListMails(self, request: pb.ListMailsRequest, _: Call) -> pb.ListMailsResponse:
        """Lists mails."""
        page = await self.mails.page(request.page_size, request.page_token, dead=request.dead)
        return pb.ListMailsResponse(mails=map(_message_of, page.mails), next_page_token=page.next_token)

    async def RedriveMail(self, request: pb.RedriveMailRequest, _: Call) -> pb.RedriveMailResponse:
        """Has a dead mail sent after all."""
        await self.mails.redrive(request.id)
        return pb.RedriveMailResponse()

    async def RedriveMails(self, _: pb.RedriveMailsRequest, __: Call) -> pb.RedriveMailsResponse:
        """Has the dead mails sent after all."""
        return pb.RedriveMailsResponse(count=await self.mails.redrive_dead())

    async def DropMail(self, request: pb.DropMailRequest, _: Call) -> pb.DropMailResponse:
        """Deletes a mail."""
        await self.mails.drop(request.id)
        return pb.DropMailResponse()

    async def DropMails(self, _: pb.DropMailsRequest, __: Call) -> pb.DropMailsResponse:
        """Deletes the dead mails."""
        return pb.DropMailsResponse(count=await self.mails.drop_dead())


def _message_of(mail: MailNote) -> pb.Mail:
    message = pb.Mail(
        id=str(mail.id),
        kind=mail.kind,
        recipient=mail.recipient,
        user_id=str(mail.user_id) if mail.user_id else None,
        attempts=mail.attempts,
        last_error=mail.last_error,
    )
    write_time(mail.created_at, message.create_time)
    if mail.expires:
        write_time(mail.expires, message.expire_time)
    if mail.dead_at:
        write_time(mail.dead_at, message.dead_time)
    else:
        write_time(mail.due_at, message.due_time)
    return message
