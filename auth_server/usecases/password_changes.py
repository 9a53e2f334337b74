"""Changing a password that one knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.errors import AccessTokenInvalidError
from auth_server.domain.mails import Mail, MailKind
from auth_server.domain.password_rules import PasswordRules
from auth_server.domain.passwords import PasswordHashes
from auth_server.domain.users import User
from auth_server.outside.hash_pool import HashPool
from auth_server.storage import audit, one_time_tokens, passwords, sign_ins, users
from auth_server.storage.database import Database, Db
from auth_server.usecases.access import SignedInCaller
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.reauthentication import Reauthentication
from auth_server.usecases.throttling import Throttling


@dataclass(frozen=True, slots=True)
class PasswordChanges:
    """How a user who is signed in gets another password, or a first one."""

    db: Database
    rules: PasswordRules
    reauthentication: Reauthentication
    hashes: PasswordHashes
    hash_pool: HashPool
    outbox: Outbox
    throttling: Throttling
    clock: Callable[[], datetime]

    async def change(self, caller: SignedInCaller, current_password: str | None, new_password: str) -> str:
        """Gives the caller the password, ends all that the one before opened, and tells them by mail.

        Answers a device token: the new password is known here, and devices that know only the one before share no tries
        with those that know it.
        All of it or nothing; only the caller's own sign-in goes on (OWASP ASVS 5.0, 6.2.3, 6.3.7, 7.4.3).

        Raises:
            PasswordRefusedError: the new password breaks a rule.
            CurrentPasswordInvalidError, ReauthenticationRequiredError: as Reauthentication says.
            HashingBusyError: too many passwords wait.
            AccessTokenInvalidError: the caller's sign-in has ended meanwhile, or their password has changed.
        """
        owner = await self._owner(self.db, caller)
        self.rules.check(new_password, owner.email, owner.name)
        version = await self.reauthentication.proven(caller, current_password)
        hashed = await self.hash_pool.run(self.hashes.make, new_password)

        async def work(db: Db) -> tuple[User, int]:
            await self.reauthentication.hold(db, caller, version)
            return await self._change(db, caller, hashed)

        changed, new_version = await self.db.transaction(work)
        return self.throttling.device_token(changed.email or "", changed.id, new_version)

    async def _change(self, db: Db, caller: SignedInCaller, hashed: str) -> tuple[User, int]:
        now, owner = self.clock(), await self._owner(db, caller)
        version = await passwords.replace(db, owner.id, hashed, now)
        # After the password, whose row a sign-in that begins just now waits for: then it sees the new version.
        await sign_ins.end_all(db, owner.id, caller.sign_in_id, "password changed", now)
        await one_time_tokens.void_all(db, owner.id)
        await audit.record(db, AuditEvent.PASSWORD_CHANGED, owner.id, now)
        if owner.email:
            values = {"name": owner.name or ""}
            proven = owner.email_verified is not None
            mail = Mail(MailKind.PASSWORD_CHANGED, owner.email, owner.locale, owner.id, values, None, proven=proven)
            await self.outbox.put(db, mail)
        return owner, version

    async def _owner(self, db: Db, caller: SignedInCaller) -> User:
        owner = await users.find(db, caller.user_id)
        if owner is None:
            raise AccessTokenInvalidError
        return owner
