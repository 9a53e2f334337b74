"""Signing in and out: by password, by provider, by refresh token."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth_server.domain.access_tokens import AccessToken
from auth_server.domain.errors import (
    CredentialsInvalidError,
    OAuthLoginRefusedError,
    RefreshTokenInvalidError,
    UserNotFoundError,
)
from auth_server.domain.ids import new_id
from auth_server.domain.passwords import PasswordHashes
from auth_server.domain.secrets import new_token, token_hash
from auth_server.domain.users import User
from auth_server.outside.hash_pool import HashPool
from auth_server.outside.identity_providers import IdentityProviders
from auth_server.storage import refresh_tokens, users
from auth_server.storage.database import Db
from auth_server.usecases.access import Access

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user and the pair of tokens of this sign-in."""

    user: User
    access_token: AccessToken
    refresh_token: str


@dataclass(frozen=True, slots=True)
class RefreshLives:
    """How long a sign-in lasts: `idle` without a refresh, `absolute` in any case (OWASP ASVS 5.0, 7.3)."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class SignIn:
    """Every way to a pair of tokens."""

    db: Db
    access: Access
    hashes: PasswordHashes
    hash_pool: HashPool
    identity_providers: IdentityProviders
    lives: RefreshLives
    clock: Callable[[], datetime]
    dummy_hash: str
    verified_only: bool

    async def with_password(self, email: str, password: str) -> SignedIn:
        """Signs a user in; takes as long whether or not the email exists (OWASP ASVS 5.0, 6.3.8).

        Raises:
            CredentialsInvalidError: wrong email or password, or the user may not log in; which one is not said.
            HashingBusyError: too many logins at once.
        """
        owner = await users.find_with_hash(self.db, email)
        made = owner.hash if owner and owner.hash else self.dummy_hash
        matches = await self.hash_pool.run(self.hashes.matches, password, made)
        if owner is None or owner.hash is None or not matches or owner.disabled:
            raise CredentialsInvalidError
        if self.verified_only and owner.user.email_verified is None:
            raise CredentialsInvalidError
        if self.hashes.is_old(made):
            newer = await self.hash_pool.run(self.hashes.make, password)
            await users.replace_hash(self.db, owner.user.id, made, newer)
        try:
            return await self._start(owner.user)
        except UserNotFoundError:
            raise CredentialsInvalidError from None

    async def with_provider(
        self, email: str, provider: str | None, provider_account_id: str | None, id_token: str | None
    ) -> SignedIn:
        """Signs a user in whom the front end's server vouches for, and who has a linked account.

        Raises:
            OAuthLoginRefusedError: no enabled user with this address has such an account.
            IdTokenInvalidError: the id_token is not good, or is of another account.
            IdentityProviderUnavailableError: the provider cannot be asked for its keys.
        """
        if id_token:
            claimed = self.identity_providers.claimed(id_token, provider)
            provider, provider_account_id = claimed.provider, provider_account_id or claimed.subject
        found = await users.find_with_account(self.db, email, provider, provider_account_id)
        if found is None:
            raise OAuthLoginRefusedError
        user, linked_provider, linked_id = found
        if id_token:
            await self.identity_providers.check(id_token, linked_provider, linked_id, self.clock())
        try:
            return await self._start(user)
        except UserNotFoundError:
            raise OAuthLoginRefusedError from None

    async def refresh(self, token: str) -> SignedIn:
        """A new pair for an unused refresh token, which is used up; a second use ends the family (RFC 9700, 4.14.2).

        Raises:
            RefreshTokenInvalidError: unknown, used, expired, or of an ended sign-in.
        """
        now, presented, successor = self.clock(), token_hash(token), new_token()
        rotated = await refresh_tokens.rotate(
            self.db, presented, token_hash(successor), now=now, expires=now + self.lives.idle
        )
        if rotated is None:
            family_id = await refresh_tokens.end_family_of_used(self.db, presented, now)
            if family_id:
                log.warning("a used refresh token came again; its family is ended", extra={"family_id": str(family_id)})
            raise RefreshTokenInvalidError
        user, family_id = rotated
        return SignedIn(user, self.access.token_for(user, family_id), successor)

    async def end(self, token: str) -> None:
        """Ends the sign-in that the refresh token belongs to, if it has not ended."""
        await refresh_tokens.end_family(self.db, token_hash(token), self.clock())

    async def _start(self, user: User) -> SignedIn:
        now, token, family_id = self.clock(), new_token(), new_id()
        await self._keep_family(family_id, user.id, token_hash(token), now)
        return SignedIn(user, self.access.token_for(user, family_id), token)

    async def _keep_family(self, family_id: UUID, user_id: UUID, first: bytes, now: datetime) -> None:
        await refresh_tokens.start_family(
            self.db,
            family_id,
            user_id,
            first,
            now=now,
            expires=now + min(self.lives.idle, self.lives.absolute),
            ends=now + self.lives.absolute,
        )
