"""Verifying and changing email addresses by mailed links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.errors import EmailNotOwnError, OneTimeTokenInvalidError, UserNotFoundError
from auth_server.domain.ids import get_user_id
from auth_server.domain.mails import Mail, MailKind
from auth_server.domain.one_time_tokens import OneTimeTokenLives, Purpose
from auth_server.domain.secrets import new_token, token_hash
from auth_server.storage import audit, emails, one_time_tokens
from auth_server.storage.database import Database, Db
from auth_server.storage.emails import Addressee
from auth_server.usecases.access import SignedInCaller
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.reauthentication import Reauthentication


@dataclass(frozen=True, slots=True)
class Emails:
    """What users do with their addresses."""

    db: Database
    outbox: Outbox
    reauthentication: Reauthentication
    lives: OneTimeTokenLives
    clock: Callable[[], datetime]

    async def request_verification(self, user_id: str, email: str) -> None:
        """Mails a link to the user's own address, unless it is verified; the link that was mailed before is void.

        Raises:
            UserNotFoundError: there is no such user.
            EmailNotOwnError: it is not their address.
        """
        owner = await emails.find(self.db, get_user_id(user_id))
        if owner is None:
            raise UserNotFoundError
        # Bytes are folded in ASCII alone, as the database does it.
        if owner.email is None or owner.email.encode().lower() != email.encode().lower():
            raise EmailNotOwnError
        if not owner.verified:
            await self.outbox.put(self.db, Mail(MailKind.VERIFY_EMAIL, owner.email, owner.locale, None, {}, None))

    async def verify(self, token: str) -> None:
        """Marks the address as verified that the token was mailed to.

        Raises:
            OneTimeTokenInvalidError: the token is not good, or the user's address is another one by now.
        """

        async def work(db: Db) -> None:
            now = self.clock()
            redeemed = await one_time_tokens.redeem(db, token_hash(token), Purpose.VERIFY_EMAIL, now)
            if redeemed is None:
                raise OneTimeTokenInvalidError
            await emails.verify(db, redeemed.user_id, now)
            await audit.record(db, AuditEvent.EMAIL_VERIFIED, redeemed.user_id, now)

        await self.db.transaction(work)

    async def request_change(self, caller: SignedInCaller, new_email: str, current_password: str | None) -> None:
        """Mails a link to the new address, which becomes the caller's once somebody who reads its mail confirms it.

        Whether it is another user's is not looked at, so that nobody can learn it here.

        Raises:
            CurrentPasswordInvalidError, ReauthenticationRequiredError, HashingBusyError, AccessTokenInvalidError: as
                Reauthentication says.
        """
        version = await self.reauthentication.proven(caller, current_password)
        token = new_token()

        async def work(db: Db) -> None:
            await self.reauthentication.hold(db, caller, version)
            owner = await emails.find(db, caller.user_id)
            if owner is None:
                raise UserNotFoundError
            now = self.clock()
            expires = now + self.lives.change_email
            values = {"name": owner.name or "", "token": token}
            mail = Mail(MailKind.CONFIRM_NEW_EMAIL, new_email, owner.locale, owner.user_id, values, expires)
            if not await self.outbox.put(db, mail):
                return  # the link that was mailed before stays good
            await one_time_tokens.put(
                db, token_hash(token), Purpose.CHANGE_EMAIL, owner.user_id, address=new_email, expires=expires
            )
            await audit.record(db, AuditEvent.EMAIL_CHANGE_REQUESTED, owner.user_id, now)

        await self.db.transaction(work)

    async def confirm_change(self, token: str) -> None:
        """Gives the user the address that the token was mailed to, verified, and tells the address before.

        All other pending tokens of the user are void.

        Raises:
            OneTimeTokenInvalidError: the token is not good.
            EmailTakenError: another user has the address; the token stays good.
        """

        async def work(db: Db) -> None:
            now = self.clock()
            redeemed = await one_time_tokens.redeem(db, token_hash(token), Purpose.CHANGE_EMAIL, now)
            if redeemed is None:
                raise OneTimeTokenInvalidError
            await one_time_tokens.void_all(db, redeemed.user_id)
            before = await emails.replace(db, redeemed.user_id, redeemed.address, now)
            if before is not None and before.email is not None:
                await self.outbox.put(db, _notice_of_change(before, before.email))
            former = before.email if before is not None else None
            await audit.record(db, AuditEvent.EMAIL_CHANGED, redeemed.user_id, now, email=former)

        await self.db.transaction(work)


def _notice_of_change(before: Addressee, address: str) -> Mail:
    values = {"name": before.name or ""}
    return Mail(MailKind.EMAIL_CHANGED, address, before.locale, before.user_id, values, None, proven=before.verified)
