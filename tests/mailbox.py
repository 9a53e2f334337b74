"""What waits in the outbox, as it would be sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from auth_server.domain.mails import Mail, MailKind
from auth_server.mailing import preparers_of
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from gatepost.v1.auth_emails_pb2 import VerifyEmailRequest
from tests.mails import waiting_mails
from tests.people import People


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Takes mails out of the outbox, and prepares those that the worker prepares before it sends them."""

    db: Database
    sql: asyncpg.Connection
    settings: AuthServerSettings
    clock: Callable[[], datetime]

    async def take(self) -> list[Mail]:
        """All mails as they would be sent now, the oldest first; the outbox is empty then."""
        waiting = await waiting_mails(self.sql, self.settings)
        await self.sql.execute("DELETE FROM outbox")
        prepared = [await self._prepared(mail) for mail in waiting]
        return [mail for mail in prepared if mail is not None]

    async def take_one(self, kind: MailKind) -> Mail:
        """The one mail that waits, which is of this kind."""
        [mail] = await self.take()
        assert mail.kind is kind
        return mail

    async def token(self, kind: MailKind) -> str:
        """The token of the one mail that waits, which is of this kind."""
        return (await self.take_one(kind)).values["token"]

    async def verify(self, people: People) -> None:
        """Verifies the address of everybody who has registered."""
        for mail in await self.take():
            if mail.kind is MailKind.VERIFY_EMAIL:
                await people.auth.VerifyEmail(VerifyEmailRequest(token=mail.values["token"]))

    async def _prepared(self, mail: Mail) -> Mail | None:
        prepare = preparers_of(self.settings).get(mail.kind)
        if mail.user_id is not None or prepare is None:
            return mail
        assert mail == replace(mail, values={}, expires=None)
        return await self.db.transaction(lambda db: prepare(db, mail.recipient, self.clock()))
