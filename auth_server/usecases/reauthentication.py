"""Asking the user themselves again, before something is done that a stolen access token must not do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth_server.domain.errors import (
    AccessTokenInvalidError,
    CurrentPasswordInvalidError,
    ReauthenticationRequiredError,
)
from auth_server.domain.passwords import PasswordHashes
from auth_server.outside.hash_pool import HashPool
from auth_server.storage import reauthentication
from auth_server.storage.database import Db
from auth_server.usecases.access import SignedInCaller

FRESH = timedelta(minutes=5)
"""How long a sign-in proves that the user themselves are there, where there is no password to ask for."""


@dataclass(frozen=True, slots=True)
class Reauthentication:
    """A second proof of who the caller is (OWASP ASVS 5.0, 7.5.1)."""

    db: Db
    hashes: PasswordHashes
    hash_pool: HashPool
    clock: Callable[[], datetime]

    async def proven(self, caller: SignedInCaller, current_password: str | None) -> int:
        """The version of the caller's password that was proven; of a user without one, a young sign-in is the proof.

        Raises:
            CurrentPasswordInvalidError: the user has a password, and this is another one or none.
            ReauthenticationRequiredError: the user has no password, and signed in too long ago.
            HashingBusyError: too many passwords wait.
            AccessTokenInvalidError: the sign-in is gone meanwhile.
        """
        found = await reauthentication.find(self.db, caller.user_id, caller.sign_in_id)
        if found is None:
            raise AccessTokenInvalidError
        if found.hash is None:
            if self.clock() - found.signed_in_at >= FRESH:
                raise ReauthenticationRequiredError
            return found.password_version
        if not current_password:
            raise CurrentPasswordInvalidError
        if not await self.hash_pool.run(self.hashes.matches, current_password, found.hash):
            raise CurrentPasswordInvalidError
        return found.password_version

    async def hold(self, db: Db, caller: SignedInCaller, password_version: int | None) -> None:
        """Locks what was proven until the transaction of this db ends, so that nothing is done by a proof of before.

        Where the caller's sign-in alone is the proof, there is no version.

        Raises:
            AccessTokenInvalidError: the sign-in has ended meanwhile, or the password is another one.
        """
        now = self.clock()
        if not await reauthentication.holds(db, caller.user_id, caller.sign_in_id, password_version, now):
            raise AccessTokenInvalidError
