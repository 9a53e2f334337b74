"""Registering a person with a password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.ids import new_id
from auth_server.domain.mails import Mail, MailKind
from auth_server.domain.password_rules import PasswordRules
from auth_server.domain.passwords import PasswordHashes
from auth_server.domain.users import NewUser, Profile
from auth_server.outside.hash_pool import HashPool
from auth_server.storage import audit, users
from auth_server.storage.database import Database, Db
from auth_server.usecases.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Registration:
    """How a person becomes a user."""

    db: Database
    outbox: Outbox
    rules: PasswordRules
    hashes: PasswordHashes
    hash_pool: HashPool
    clock: Callable[[], datetime]

    async def register(self, name: str, email: str, password: str, profile: Profile, locale: str | None) -> None:
        """Makes a user and mails them, or mails the user who has the address; the caller cannot tell which.

        Both take the same statements: whom the mail is for, and its token, are looked up when it is sent.

        Raises:
            PasswordRefusedError: the password breaks a rule.
            HashingBusyError: too many passwords wait.
        """
        self.rules.check(password, email, name, field="password")
        hashed = await self.hash_pool.run(self.hashes.make, password)
        user_id, person = new_id(), NewUser(name, email, hashed, profile, locale)

        async def work(db: Db) -> None:
            now = self.clock()
            if await users.register(db, user_id, person, now):
                kind, event, subject = MailKind.VERIFY_EMAIL, AuditEvent.REGISTERED, user_id
            else:
                kind, event, subject = MailKind.ADDRESS_TAKEN, AuditEvent.REGISTRATION_REFUSED, None
            await audit.record(db, event, subject, now, email=email)
            await self.outbox.put(db, Mail(kind, email, None, None, {}, None))

        await self.db.transaction(work)
