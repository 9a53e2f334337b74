"""Authenticators that Auth.js registers, and the counters that they sign with.

Passkeys of ours are not among them: a front end would show strangers who type an address which ones its user has, and
take signatures by them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_server.domain.audit_events import AuditEvent, note_subject
from auth_server.domain.authenticator_errors import (
    AuthenticatorCounterRegressedError,
    AuthenticatorNotFoundError,
    TooManyAuthenticatorsError,
)
from auth_server.domain.authenticators import Authenticator
from auth_server.domain.mails import MailKind
from auth_server.storage import audit, authenticators, emails
from auth_server.storage.database import Database, Db
from auth_server.usecases.notices import notify
from auth_server.usecases.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Authenticators:
    """What the adapter does with authenticators."""

    db: Database
    outbox: Outbox
    clock: Callable[[], datetime]

    async def add(self, authenticator: Authenticator) -> Authenticator:
        """The authenticator, which is kept now; a mail tells its user.

        Raises:
            AuthenticatorTakenError: the credential is kept already, of whomever.
            TooManyAuthenticatorsError: the user has as many as they may.
            UserNotFoundError: there is no such user.
        """

        async def work(db: Db) -> None:
            await emails.hold(db, authenticator.user_id)
            if not await authenticators.create(db, authenticator):
                raise TooManyAuthenticatorsError
            await audit.record(db, AuditEvent.AUTHENTICATOR_ADDED, authenticator.user_id, self.clock())
            await notify(self.outbox, db, MailKind.PASSKEY_ADDED, authenticator.user_id)

        await self.db.transaction(work)
        return authenticator

    async def find(self, credential_id: bytes) -> Authenticator | None:
        """The authenticator of this credential."""
        found = await authenticators.find(self.db, credential_id)
        return found if found and not found.is_passkey else None

    async def of_user(self, user_id: UUID) -> list[Authenticator]:
        """The user's authenticators, the oldest first."""
        return [each for each in await authenticators.of_user(self.db, user_id) if not each.is_passkey]

    async def advance(self, credential_id: bytes, counter: int) -> Authenticator:
        """The authenticator with this counter, which has grown.

        Raises:
            AuthenticatorNotFoundError: nobody has this credential.
            AuthenticatorCounterRegressedError: the counter has not grown, so that a copy may have signed; its user is
                told by mail.
        """
        advanced = await authenticators.advance(self.db, credential_id, counter, self.clock(), is_passkey=False)
        if advanced is not None:
            return advanced
        found = await self.find(credential_id)
        if found is None or not await tell_of_copy(self.db, self.outbox, found, self.clock()):
            raise AuthenticatorNotFoundError
        note_subject(user_id=found.user_id)
        raise AuthenticatorCounterRegressedError


async def tell_of_copy(db: Database, outbox: Outbox, authenticator: Authenticator, now: datetime) -> bool:
    """Audits that the authenticator seems to have a copy, and tells its user by mail.

    False where it was removed meanwhile: that its counter could not grow is no sign of a copy then.
    """

    async def work(db: Db) -> bool:
        await emails.hold(db, authenticator.user_id)
        if await authenticators.find(db, authenticator.credential_id) is None:
            return False
        await audit.record(db, AuditEvent.AUTHENTICATOR_COPIED, authenticator.user_id, now)
        await notify(outbox, db, MailKind.PASSKEY_COPIED, authenticator.user_id)
        return True

    return await db.transaction(work)
