"""Erasing users: all that is held of them goes with them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.audit_seal import AuditSeal
from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.ids import find_id
from auth_server.domain.secrets import SealBrokenError
from auth_server.domain.users import AdapterUser
from auth_server.storage import audit, audit_reading, emails, outbox, users, verification_tokens
from auth_server.storage.database import Database, Db
from auth_server.usecases.images import Images

CHANGES_OF_ADDRESS = (AuditEvent.EMAIL_CHANGED, AuditEvent.USER_CHANGED)
"""The events that keep, sealed, the address before."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """The one way in which a user is deleted.

    All that is theirs goes in one transaction, and their image from its store right after it. What stays names nobody:
    entries of the revocation log and of the audit log, by ids alone, for as long as those are kept. What audit events
    hold beside ids was sealed under keys that go with the user, so that the events stay as they were written.
    """

    db: Database
    images: Images
    audit_seal: AuditSeal
    clock: Callable[[], datetime]

    async def erase(self, user_id: str) -> None:
        """Erases the user.

        Raises:
            UserNotFoundError: there is no such user.
        """
        if await self.erase_if_there(user_id) is None:
            raise UserNotFoundError

    async def erase_if_there(self, user_id: str) -> AdapterUser | None:
        """The user as they were, of whom nothing is held any more; None if there is no such user."""
        erased = find_id(user_id)
        if erased is None:
            return None

        async def work(db: Db) -> AdapterUser | None:
            if await emails.hold(db, erased) is None:
                return None
            typed = await self._former_addresses(db, erased)  # before the keys go that they are sealed under
            user = await users.delete(db, erased)
            if user is None:
                return None
            if user.email is not None:
                await verification_tokens.delete_of(db, user.email)
                await outbox.delete_to(db, user.email)
                typed.add(user.email)
            await audit.delete_keys(db, [each for email in typed for each in self.audit_seal.subjects_of_email(email)])
            await audit.record(db, AuditEvent.USER_DELETED, user.id, self.clock())
            return user

        user = await self.db.transaction(work)
        if user is not None:
            await self.images.remove_former(erased)
        return user

    async def _former_addresses(self, db: Db, user_id: UUID) -> set[str]:
        """The addresses that the user had before, as far as the audit log goes back."""
        found = set()
        for event, key in await audit_reading.own_events(db, user_id, CHANGES_OF_ADDRESS):
            with suppress(SealBrokenError):  # one that was tampered with keeps nobody from being erased
                found.add(self.audit_seal.personal_of(event, key).email)
        return {email for email in found if email is not None}
