"""Access tokens: making them, and judging whoever brings one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_server.domain import access_tokens
from auth_server.domain.access_tokens import AccessToken, AccessTokenPolicy, Bearer, KeyUnknownError
from auth_server.domain.errors import AccessTokenInvalidError
from auth_server.domain.users import Role, User
from auth_server.domain.verified_tokens import VerifiedTokens
from auth_server.storage import refresh_tokens
from auth_server.storage.database import Db
from auth_server.usecases.keys import Keys

LONGEST_TOKEN_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class SignedInCaller:
    """Who presents a good access token, by which sign-in, and what they may do now."""

    user_id: UUID
    role: Role
    sign_in_id: UUID


@dataclass(frozen=True, slots=True)
class GoodToken:
    """What a good access token says, and the role that its user has now."""

    bearer: Bearer
    role: Role


@dataclass(frozen=True, slots=True)
class Access:
    """What is signed and verified with the loaded keys."""

    db: Db
    keys: Keys
    policy: AccessTokenPolicy
    clock: Callable[[], datetime]
    verified_tokens: VerifiedTokens

    def token_for(self, user: User, family_id: UUID, methods: Sequence[str], ends: datetime) -> AccessToken:
        """A new access token of this sign-in, which was proven so and ends at `ends` unless it is refreshed before."""
        return access_tokens.sign(
            user, family_id, methods, key=self.keys.signing, policy=self.policy, now=self.clock(), ends=ends
        )

    async def caller_of(self, token: str) -> SignedInCaller:
        """Who brings the token.

        Raises:
            AccessTokenInvalidError: as verified.
        """
        good = await self.verified(token)
        return SignedInCaller(good.bearer.user_id, good.role, good.bearer.family_id)

    async def verified(self, token: str) -> GoodToken:
        """What the token says. The sign-in must live and the user be enabled: at our own doors both end at once.

        Raises:
            AccessTokenInvalidError: the token is not good, or its sign-in has ended.
        """
        bearer = await self.bearer_of(token)
        role = await refresh_tokens.find_role(self.db, bearer.family_id, bearer.user_id, self.clock())
        if role is None:
            raise AccessTokenInvalidError
        return GoodToken(bearer, role)

    async def bearer_of(self, token: str) -> Bearer:
        """Whom the token speaks of, by its signature and times alone.

        A key that is not known here may be new: the keys are loaded again, within bounds, before it is refused.

        Raises:
            AccessTokenInvalidError: the token is not good.
            DatabaseUnavailableError: its key is unknown, and the database cannot be asked for it.
        """
        if len(token) > LONGEST_TOKEN_CHARACTERS:
            raise AccessTokenInvalidError
        try:
            return self._bearer_of(token)
        except KeyUnknownError:
            await self.keys.look_again()
        try:
            return self._bearer_of(token)
        except KeyUnknownError:
            raise AccessTokenInvalidError from None

    def _bearer_of(self, token: str) -> Bearer:
        return self.verified_tokens.bearer_of(token, self.keys.verifying, self.clock())
