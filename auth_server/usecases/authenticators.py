"""Authenticators that Auth.js registers, and the counters that they sign with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.audit_events import AuditEvent, note_subject
from auth_server.domain.authenticator_errors import (
    AuthenticatorCounterRegressedError,
    AuthenticatorNotFoundError,
    TooManyAuthenticatorsError,
)
from auth_server.domain.authenticators import Authenticator
from auth_server.storage import audit, authenticators, emails
from auth_server.storage.database import Database, Db


@dataclass(frozen=True, slots=True)
class Authenticators:
    """What the adapter does with authenticators."""

    db: Database
    clock: Callable[[], datetime]

    async def add(self, authenticator: Authenticator) -> Authenticator:
        """The authenticator, which is kept now.

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

        await self.db.transaction(work)
        return authenticator

    async def advance(self, credential_id: bytes, counter: int) -> Authenticator:
        """The authenticator with this counter, which has grown.

        Raises:
            AuthenticatorNotFoundError: nobody has this credential.
            AuthenticatorCounterRegressedError: the counter has not grown, so that a copy may have signed.
        """
        advanced = await authenticators.advance(self.db, credential_id, counter, self.clock())
        if advanced is not None:
            return advanced
        found = await authenticators.find(self.db, credential_id)
        if found is None:
            raise AuthenticatorNotFoundError
        note_subject(user_id=found.user_id)
        raise AuthenticatorCounterRegressedError
