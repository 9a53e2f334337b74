"""Erasing users: all that is held of them goes with them."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.domain.errors import UserNotFoundError
from auth_server.domain.ids import find_id
from auth_server.domain.users import AdapterUser
from auth_server.storage import users, verification_tokens
from auth_server.storage.database import Database, Db


@dataclass(frozen=True, slots=True)
class Erasure:
    """The one way in which a user is deleted.

    All that is theirs goes in one transaction. What stays names nobody: entries of the revocation log, by ids alone,
    for as long as verifiers elsewhere must hear of them.
    """

    db: Database

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
            user = await users.delete(db, erased)
            if user is not None and user.email is not None:
                await verification_tokens.delete_of(db, user.email)
            return user

        return await self.db.transaction(work)
