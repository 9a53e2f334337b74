"""Registering a person with a password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.ids import new_id
from auth_server.domain.password_rules import PasswordRules
from auth_server.domain.passwords import PasswordHashes
from auth_server.domain.users import NewUser, Profile
from auth_server.outside.hash_pool import HashPool
from auth_server.storage import users
from auth_server.storage.database import Db


@dataclass(frozen=True, slots=True)
class Registration:
    """How a person becomes a user."""

    db: Db
    rules: PasswordRules
    hashes: PasswordHashes
    hash_pool: HashPool
    clock: Callable[[], datetime]

    async def register(self, name: str, email: str, password: str, profile: Profile, locale: str | None) -> None:
        """Makes a user, unless the address is taken; the caller cannot tell which, by answer or by time.

        Raises:
            PasswordRefusedError: the password breaks a rule.
            HashingBusyError: too many passwords wait.
        """
        self.rules.check(password, email, name, field="password")
        hashed = await self.hash_pool.run(self.hashes.make, password)
        await users.register(self.db, new_id(), NewUser(name, email, hashed, profile, locale), self.clock())
