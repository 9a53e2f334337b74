"""What internal services ask of tokens: whether they are good, and to end their sign-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.access_tokens import AccessTokenPolicy, Bearer
from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.errors import AccessTokenInvalidError
from auth_server.domain.secrets import TOKEN, token_hash
from auth_server.storage import audit, refresh_tokens, sign_ins
from auth_server.storage.database import Database
from auth_server.usecases.access import Access, GoodToken


@dataclass(frozen=True, slots=True)
class Tokens:
    """Judging and revoking tokens for others."""

    db: Database
    access: Access
    clock: Callable[[], datetime]

    @property
    def policy(self) -> AccessTokenPolicy:
        """Who issues access tokens, and for whom."""
        return self.access.policy

    async def verified(self, token: str) -> GoodToken:
        """What the access token says.

        Raises:
            AccessTokenInvalidError: the token is not good, or its sign-in has ended.
        """
        return await self.access.verified(token)

    async def find(self, token: str) -> GoodToken | None:
        """What the access token says; None where it is not good."""
        try:
            return await self.access.verified(token)
        except AccessTokenInvalidError:
            return None

    async def revoke(self, token: str) -> None:
        """Ends the sign-in of an access or refresh token; does nothing where the token has none that lives."""
        if TOKEN.fullmatch(token):
            await self._revoke_refresh(token_hash(token))
            return
        found = await self.find(token)
        if found is not None:
            await self._revoke_access(found.bearer)

    async def _revoke_refresh(self, presented: bytes) -> None:
        owner, now = await refresh_tokens.find_owner(self.db, presented), self.clock()
        if owner is not None:
            entry = await audit.entry_of(self.db, AuditEvent.SIGN_IN_ENDED, owner, now)
            await refresh_tokens.end_family(self.db, presented, "revoked", now, entry)

    async def _revoke_access(self, bearer: Bearer) -> None:
        now = self.clock()
        entry = await audit.entry_of(self.db, AuditEvent.SIGN_IN_ENDED, bearer.user_id, now)
        await sign_ins.end(self.db, bearer.family_id, bearer.user_id, "revoked", now, entry=entry)
