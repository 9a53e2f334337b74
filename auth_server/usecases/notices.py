"""Mails that tell a user what was done to their account."""

from __future__ import annotations

from uuid import UUID

from auth_server.domain.mails import Mail, MailKind
from auth_server.storage import emails
from auth_server.storage.database import Db
from auth_server.usecases.outbox import Outbox


async def notify(outbox: Outbox, db: Db, kind: MailKind, user_id: UUID) -> None:
    """Has a mail of this kind sent to the user, if they have an address; run it in the transaction that it tells of."""
    owner = await emails.find(db, user_id)
    if owner is None or owner.email is None:
        return
    values = {"name": owner.name or ""}
    await outbox.put(db, Mail(kind, owner.email, owner.locale, user_id, values, None, proven=owner.verified))
