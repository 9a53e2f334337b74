"""Access tokens: making them, and judging whoever brings one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth_server.domain import access_tokens
from auth_server.domain.access_tokens import ALGORITHM, AccessToken, AccessTokenPolicy, Bearer, SigningKey
from auth_server.domain.errors import AccessTokenInvalidError
from auth_server.domain.secrets import Seal, identity_of
from auth_server.domain.users import Role, User
from auth_server.storage import refresh_tokens, signing_keys
from auth_server.storage.database import Db

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
    """What is signed and verified with the signing key."""

    db: Db
    key: SigningKey
    policy: AccessTokenPolicy
    clock: Callable[[], datetime]

    def token_for(self, user: User, family_id: UUID, ends: datetime) -> AccessToken:
        """A new access token of this sign-in, which ends at `ends` unless it is refreshed before."""
        return access_tokens.sign(user, family_id, key=self.key, policy=self.policy, now=self.clock(), ends=ends)

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
        bearer = self.bearer_of(token)
        role = await refresh_tokens.find_role(self.db, bearer.family_id, bearer.user_id, self.clock())
        if role is None:
            raise AccessTokenInvalidError
        return GoodToken(bearer, role)

    def bearer_of(self, token: str) -> Bearer:
        """Whom the token speaks of, by its signature and times alone.

        Raises:
            AccessTokenInvalidError: the token is not good.
        """
        if len(token) > LONGEST_TOKEN_CHARACTERS:
            raise AccessTokenInvalidError
        keys = {self.key.kid: self.key.public}
        return access_tokens.verify(token, keys=keys, policy=self.policy, now=self.clock())


async def signing_key(db: Db, seal: Seal, now: datetime) -> SigningKey:
    """The key that signs, made at the first start.

    Raises:
        SealBrokenError: the stored key was sealed under a key that is not in the ring.
    """
    found = await signing_keys.find_active(db)
    if found is None:
        made = Ed25519PrivateKey.generate()
        kid = _thumbprint(made)
        sealed = seal.close(made.private_bytes_raw(), identity_of("signing_keys", kid))
        await signing_keys.offer_active(db, kid, ALGORITHM, sealed, now)
        found = await signing_keys.find_active(db)
    if found is None:  # only if the table is emptied in between
        raise RuntimeError("the signing key is gone")
    kid, sealed = found
    return SigningKey(kid, Ed25519PrivateKey.from_private_bytes(seal.open(sealed, identity_of("signing_keys", kid))))


def _thumbprint(key: Ed25519PrivateKey) -> str:
    """RFC 7638 of the public key: the SHA-256 of its required members in order."""
    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    members = orjson.dumps({"crv": "Ed25519", "kty": "OKP", "x": x})
    return base64.urlsafe_b64encode(hashlib.sha256(members).digest()).rstrip(b"=").decode()
