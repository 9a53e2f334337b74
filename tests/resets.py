"""Forgotten passwords: the links that tests ask for and follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from auth_server.domain.mails import Mail
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.password_resets import ResetMails
from gatepost.v1.auth_passwords_pb2 import ForgotPasswordRequest, ResetPasswordRequest, ResetPasswordResponse
from tests.people import People

NEW_PASSWORD = "staple of another horse"


class Resets:
    """Asks for links by RPC, and prepares their mails as the outbox does before it sends them."""

    def __init__(
        self, people: People, db: Database, settings: AuthServerSettings, clock: Callable[[], datetime]
    ) -> None:
        self._people = people
        self._db = db
        self._clock = clock
        self._mails = ResetMails(settings.one_time_token_lives)

    async def mail(self, address: str) -> Mail | None:
        """The mail that goes out when somebody has forgotten the password of this address."""
        await self._people.auth.ForgotPassword(ForgotPasswordRequest(email=address))
        return await self._db.transaction(lambda db: self._mails.prepare(db, address, self._clock()))

    async def token(self, address: str) -> str:
        """The token of the link in that mail."""
        mail = await self.mail(address)
        assert mail is not None
        return mail.values["token"]

    async def reset(self, token: str, new_password: str = NEW_PASSWORD) -> ResetPasswordResponse:
        """Follows the link."""
        request = ResetPasswordRequest(token=token, new_password=new_password)
        return await self._people.auth.ResetPassword(request)
