"""Mails of which the request that caused them knew no more than an address.

Whose address it is, is looked up when the mail is sent: so a request takes as long whether or not somebody has the
address, and a mail that a limit keeps back voids no link that was mailed before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.mails import Mail, MailKind
from auth_server.domain.one_time_tokens import OneTimeTokenLives, Purpose
from auth_server.domain.secrets import new_token, token_hash
from auth_server.storage import emails, one_time_tokens
from auth_server.storage.database import Db


@dataclass(frozen=True, slots=True)
class AddressMails:
    """Prepares mails for the users who have the addresses."""

    lives: OneTimeTokenLives

    async def verify_email(self, db: Db, email: str, now: datetime) -> Mail | None:
        """The mail with a new link that verifies the address; None where no enabled user has it, or it is verified."""
        owner = await emails.find_enabled(db, email)
        if owner is None or owner.email is None or owner.verified:
            return None
        token, expires = new_token(), now + self.lives.verify_email
        is_put = await one_time_tokens.put(
            db, token_hash(token), Purpose.VERIFY_EMAIL, owner.user_id, address=owner.email, expires=expires
        )
        if not is_put:
            return None
        values = {"name": owner.name or "", "token": token}
        return Mail(MailKind.VERIFY_EMAIL, owner.email, owner.locale, owner.user_id, values, expires)

    async def address_taken(self, db: Db, email: str, _: datetime) -> Mail | None:
        """The mail to the enabled user whose address somebody registered again; None where nobody has it."""
        owner = await emails.find_enabled(db, email)
        if owner is None or owner.email is None:
            return None
        values = {"name": owner.name or ""}
        return Mail(
            MailKind.ADDRESS_TAKEN, owner.email, owner.locale, owner.user_id, values, None, proven=owner.verified
        )
