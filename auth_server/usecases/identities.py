"""Judges who a request comes from, by an access token or by a NextAuth session."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.errors import AccessTokenInvalidError, CredentialMissingError, SessionInvalidError
from auth_server.domain.identities import Identity
from auth_server.domain.secrets import token_hash
from auth_server.storage import identities
from auth_server.storage.database import Db
from auth_server.usecases.access import Access

LONGEST_TOKEN_CHARACTERS = 4096
BEARER = re.compile(r"(?:^|,)[ \t]*bearer(?=[ \t,]|$)", re.IGNORECASE)  # compared without case (RFC 9110, 11.1)


@dataclass(frozen=True, slots=True)
class Identities:
    """What GetIdentity and Envoy's Check judge by, so that both say the same."""

    db: Db
    access: Access
    clock: Callable[[], datetime]

    async def of(self, authorization: str, session_token: str) -> Identity:
        """Who presents these; each is empty where it is not given.

        A bearer token decides alone, so that a good cookie never makes good a bad token. An authorization of another
        scheme is for somebody else.

        Raises:
            CredentialMissingError: neither is there.
            AccessTokenInvalidError: the access token is not good, or its sign-in has ended.
            SessionInvalidError: the session is unknown or has expired, or its user is disabled.
        """
        if BEARER.search(authorization):
            # Behind another scheme stands a second header, which a proxy has joined to the first; it is never good.
            scheme, _, token = authorization.partition(" ")
            return await self._of_access_token(token.strip(" ") if scheme.lower() == "bearer" else "")
        if session_token:
            return await self._of_session(session_token)
        raise CredentialMissingError

    async def _of_access_token(self, token: str) -> Identity:
        if not token or len(token) > LONGEST_TOKEN_CHARACTERS:
            raise AccessTokenInvalidError
        bearer = await self.access.bearer_of(token)
        found = await identities.find_by_sign_in(self.db, bearer.family_id, bearer.user_id, self.clock())
        if found is None:
            raise AccessTokenInvalidError
        return found

    async def _of_session(self, token: str) -> Identity:
        found = None
        if len(token) <= LONGEST_TOKEN_CHARACTERS:
            found = await identities.find_by_session(self.db, token_hash(token), self.clock())
        if found is None:
            raise SessionInvalidError
        return found
