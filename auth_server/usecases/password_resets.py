"""Resetting a forgotten password by a mailed link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.errors import OneTimeTokenInvalidError
from auth_server.domain.mails import Mail, MailKind
from auth_server.domain.one_time_tokens import OneTimeTokenLives, Purpose
from auth_server.domain.password_rules import PasswordRules
from auth_server.domain.passwords import PasswordHashes
from auth_server.domain.secrets import new_token, token_hash
from auth_server.domain.users import User
from auth_server.outside.hash_pool import HashPool
from auth_server.storage import audit, one_time_tokens, passwords, sign_ins, squatters, users
from auth_server.storage.database import Database, Db
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.throttling import Throttling


@dataclass(frozen=True, slots=True)
class ResetMails:
    """Makes the mail with a link at the moment that it goes out."""

    lives: OneTimeTokenLives

    async def prepare(self, db: Db, address: str, now: datetime) -> Mail | None:
        """The mail with a new link for the enabled user with this address, which voids the older one; or None."""
        owner = await users.find_with_hash(db, address)
        if owner is None or owner.user.email is None:
            return None
        user, email = owner.user, owner.user.email
        token, expires = new_token(), now + self.lives.of(Purpose.RESET_PASSWORD)
        is_put = await one_time_tokens.put(
            db, token_hash(token), Purpose.RESET_PASSWORD, user.id, address=email, expires=expires
        )
        if not is_put:  # they are disabled
            return None
        await audit.record(db, AuditEvent.PASSWORD_RESET_REQUESTED, user.id, now)
        values = {"name": user.name or "", "token": token}
        proven = user.email_verified is not None
        return Mail(MailKind.RESET_PASSWORD, email, user.locale, user.id, values, expires, proven=proven)


@dataclass(frozen=True, slots=True)
class PasswordResets:
    """How somebody who reads a user's mail gives that user another password."""

    db: Database
    rules: PasswordRules
    hashes: PasswordHashes
    hash_pool: HashPool
    outbox: Outbox
    throttling: Throttling
    clock: Callable[[], datetime]

    async def ask(self, email: str) -> None:
        """Has a link mailed to the user with this address, if there is one.

        Nobody looks for the user before the mail is sent, so the answer and its time are the same for every address
        (OWASP Forgot Password Cheat Sheet, "Forgot Password Request").
        """
        await self.outbox.put(self.db, Mail(MailKind.RESET_PASSWORD, email, None, None, {}, None))

    async def reset(self, token: str, new_password: str) -> str:
        """Gives the token's user the password, ends all that the one before opened, and tells them by mail.

        Answers the device token of whoever follows the link: so strangers who spend the account's budget do not keep
        them out. The wrong guesses of before are forgotten, as they were at another password.

        All of it or nothing. What can be judged without the user is, and the password hashed, before the token is
        judged: so a refusal tells no more of the token than that it is not good. The throttle alone has looked for it.

        Raises:
            OneTimeTokenInvalidError: the token is not good; why is not said.
            PasswordRefusedError: the password breaks a rule; the token stays good.
            HashingBusyError: too many passwords wait.
        """
        self.rules.check(new_password)
        hashed = await self.hash_pool.run(self.hashes.make, new_password)

        async def work(db: Db) -> tuple[User, int]:
            now = self.clock()
            redeemed = await one_time_tokens.redeem(db, token_hash(token), Purpose.RESET_PASSWORD, now)
            if redeemed is None:
                raise OneTimeTokenInvalidError
            if await squatters.take_authenticators(db, redeemed.user_id):
                await audit.record(db, AuditEvent.SQUATTER_EXPELLED, redeemed.user_id, now)
            user, version = await passwords.reset(db, redeemed.user_id, hashed, now)
            self.rules.check(new_password, user.email, user.name)
            await self._end_what_was_open(db, user, redeemed.address, now)
            return user, version

        user, version = await self.db.transaction(work)
        await self.throttling.make_whole(user.email, user.id)
        return self.throttling.device_token(user.email or "", user.id, version)

    async def _end_what_was_open(self, db: Db, user: User, address: str, now: datetime) -> None:
        # After the password, whose row a sign-in that begins just now waits for: then it sees the new version.
        await sign_ins.end_all(db, user.id, None, "password changed", now)
        await one_time_tokens.void_all(db, user.id)
        await audit.record(db, AuditEvent.PASSWORD_RESET, user.id, now)
        values = {"name": user.name or ""}
        mail = Mail(MailKind.PASSWORD_CHANGED, address, user.locale, user.id, values, None, proven=True)
        await self.outbox.put(db, mail)
