"""Forgotten passwords: the links that tests ask for and follow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from auth_server.domain.mails import Mail
from auth_server.domain.password_rules import PasswordRules
from auth_server.domain.passwords import PasswordHashes
from auth_server.domain.secrets import KeyRing
from auth_server.mailing import outbox_of
from auth_server.outside.hash_pool import HashPool
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.password_resets import PasswordResets
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
        self._use_case = PasswordResets(
            db,
            PasswordRules(8, "", common=(), listed=()),
            PasswordHashes(KeyRing.of(settings.peppers.get_secret_value()), settings.bcrypt_cost),
            HashPool(width=1, queue=0),
            outbox_of(settings, clock),
            settings.one_time_token_lives,
            clock,
        )

    async def mail(self, address: str) -> Mail | None:
        """The mail that goes out when somebody has forgotten the password of this address."""
        await self._people.auth.ForgotPassword(ForgotPasswordRequest(email=address))
        return await self._db.transaction(lambda db: self._use_case.prepare(db, address, self._clock()))

    async def token(self, address: str) -> str:
        """The token of the link in that mail."""
        mail = await self.mail(address)
        assert mail is not None
        return mail.values["token"]

    async def reset(self, token: str, new_password: str = NEW_PASSWORD) -> ResetPasswordResponse:
        """Follows the link."""
        request = ResetPasswordRequest(token=token, new_password=new_password)
        return await self._people.auth.ResetPassword(request)
