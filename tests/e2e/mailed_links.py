"""Links as mails hold them, to the gateway's own pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from auth_server.domain.links import Links
from auth_server.domain.mails import MailKind
from auth_server.domain.one_time_tokens import Purpose
from auth_server.domain.secrets import new_token, token_hash
from auth_server.storage import one_time_tokens
from auth_server.storage.database import Database

_PURPOSES = {
    MailKind.RESET_PASSWORD: Purpose.RESET_PASSWORD,
    MailKind.VERIFY_EMAIL: Purpose.VERIFY_EMAIL,
    MailKind.CONFIRM_NEW_EMAIL: Purpose.CHANGE_EMAIL,
}


class MailedLinks:
    """Makes the links of users, and looks what became of them."""

    def __init__(self, url: str, db: Database, sql: asyncpg.Connection) -> None:
        self._links = Links(url)
        self._db = db
        self._sql = sql

    async def of(self, kind: MailKind, user_id: str, address: str = "") -> str:
        """A new link of this kind, mailed to the user's address or to another one."""
        token = new_token()
        await one_time_tokens.put(
            self._db,
            token_hash(token),
            _PURPOSES[kind],
            UUID(user_id),
            address=address or await self.address_of(user_id),
            expires=datetime.now(UTC) + timedelta(minutes=5),
        )
        return self._links.of(kind, token)

    async def that_resets(self, user_id: str) -> str:
        """A link to a new password."""
        return await self.of(MailKind.RESET_PASSWORD, user_id)

    async def that_verifies(self, user_id: str) -> str:
        """A link that verifies the user's address."""
        return await self.of(MailKind.VERIFY_EMAIL, user_id)

    async def address_of(self, user_id: str) -> str:
        """The user's address as it is now."""
        return str(await self._sql.fetchval("SELECT email FROM users WHERE id = $1", UUID(user_id)))

    async def is_verified(self, user_id: str) -> bool:
        """Whether the user's address is."""
        query = "SELECT email_verified IS NOT NULL FROM users WHERE id = $1"
        return bool(await self._sql.fetchval(query, UUID(user_id)))
