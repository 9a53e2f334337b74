"""Forgotten passwords: the links that tests ask for and follow."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.domain.mails import Mail, MailKind
from gatepost.v1.auth_passwords_pb2 import ForgotPasswordRequest, ResetPasswordRequest, ResetPasswordResponse
from tests.mailbox import Mailbox
from tests.people import People

NEW_PASSWORD = "staple of another horse"


@dataclass(frozen=True, slots=True)
class Resets:
    """Asks for links, takes them out of the outbox, and follows them."""

    people: People
    mailbox: Mailbox

    async def ask(self, address: str) -> str:
        """What somebody is told who has forgotten the password of this address."""
        return (await self.people.auth.ForgotPassword(ForgotPasswordRequest(email=address))).message

    async def find_mail(self, address: str) -> Mail | None:
        """The mail that goes out then, if one does; all others that wait are taken along."""
        await self.ask(address)
        mails = [mail for mail in await self.mailbox.take() if mail.kind is MailKind.RESET_PASSWORD]
        assert len(mails) <= 1
        return mails[0] if mails else None

    async def token(self, address: str) -> str:
        """The token of the link in that mail."""
        mail = await self.find_mail(address)
        assert mail is not None
        return mail.values["token"]

    async def reset(self, token: str, new_password: str = NEW_PASSWORD) -> ResetPasswordResponse:
        """Follows the link."""
        request = ResetPasswordRequest(token=token, new_password=new_password)
        return await self.people.auth.ResetPassword(request)
