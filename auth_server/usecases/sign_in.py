"""Signing in by password and by provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.audit_events import note_subject
from auth_server.domain.clients import Client
from auth_server.domain.errors import (
    CredentialsInvalidError,
    OAuthLoginRefusedError,
    UserNotFoundError,
)
from auth_server.domain.methods import PASSWORD, Proof
from auth_server.domain.passwords import PasswordHashes
from auth_server.outside.even_checks import EvenChecks
from auth_server.outside.hash_pool import HashPool
from auth_server.outside.identity_providers import IdentityProviders
from auth_server.storage import users
from auth_server.storage.database import Database
from auth_server.usecases.new_sign_ins import NewSignIns, SignedIn


@dataclass(frozen=True, slots=True)
class SignIn:
    """First proofs of who somebody is."""

    db: Database
    new_sign_ins: NewSignIns
    hashes: PasswordHashes
    checks: EvenChecks
    hash_pool: HashPool
    identity_providers: IdentityProviders
    clock: Callable[[], datetime]
    dummy_hash: str
    verified_only: bool

    async def with_password(self, email: str, password: str, client: Client) -> SignedIn:
        """Signs a user in; takes as long whether or not the email exists (OWASP ASVS 5.0, 6.3.8).

        Raises:
            CredentialsInvalidError: wrong email or password, or the user may not log in; which one is not said.
            SecondFactorRequiredError: as NewSignIns.begin.
            HashingBusyError: too many logins at once.
        """
        owner = await users.find_with_hash(self.db, email)
        note_subject(user_id=owner.user.id if owner else None, email=email)
        made = owner.hash if owner and owner.hash else self.dummy_hash
        matches = await self.hash_pool.run(self.checks.matches, password, made)
        if owner is None or owner.hash is None or not matches or owner.disabled:
            raise CredentialsInvalidError
        if self.verified_only and owner.user.email_verified is None:
            raise CredentialsInvalidError
        if self.hashes.is_old(made):
            newer = await self.hash_pool.run(self.hashes.make, password)
            await users.replace_hash(self.db, owner.user.id, made, newer)
        try:
            return await self.new_sign_ins.begin(owner.user, client, Proof((PASSWORD,), owner.password_version))
        except UserNotFoundError:
            raise CredentialsInvalidError from None

    async def with_provider(
        self,
        email: str,
        provider: str | None,
        provider_account_id: str | None,
        id_token: str | None,
        client: Client,
    ) -> SignedIn:
        """Signs a user in whom the front end's server vouches for, and who has a linked account.

        Raises:
            OAuthLoginRefusedError: no enabled user with this address has such an account.
            SecondFactorRequiredError: as NewSignIns.begin.
            IdTokenInvalidError: the id_token is not good, or is of another account.
            IdentityProviderUnavailableError: the provider cannot be asked for its keys.
        """
        note_subject(email=email)
        if id_token:
            claimed = self.identity_providers.claimed(id_token, provider)
            provider, provider_account_id = claimed.provider, provider_account_id or claimed.subject
        found = await users.find_with_account(self.db, email, provider, provider_account_id)
        if found is None:
            raise OAuthLoginRefusedError
        user, linked_provider, linked_id = found
        note_subject(user_id=user.id, email=email)
        if id_token:
            await self.identity_providers.check(id_token, linked_provider, linked_id, self.clock())
        try:
            return await self.new_sign_ins.begin(user, client, Proof())
        except UserNotFoundError:
            raise OAuthLoginRefusedError from None
