"""Access tokens: JWTs of the profile of RFC 9068, signed with Ed25519."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from auth_server.domain.errors import AccessTokenInvalidError
from auth_server.domain.ids import find_id
from auth_server.domain.users import User

ALGORITHM = "EdDSA"
TYPE = "at+jwt"
REQUIRED = ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp")
HEADER = frozenset({"alg", "typ", "kid"})
JITTER = 0.1  # lives differ by a tenth, so that clients do not all refresh at once


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A key pair and its id, which is the key's RFC 7638 thumbprint."""

    kid: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> Ed25519PublicKey:
        """The half that verifies."""
        return self.private.public_key()

    @property
    def x(self) -> str:
        """The public key as in a JSON Web Key (RFC 8037)."""
        return base64.urlsafe_b64encode(self.public.public_bytes_raw()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class AccessTokenPolicy:
    """Who issues access tokens, for whom, and how long they live at the most."""

    issuer: str
    audience: str
    life: timedelta
    leeway: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token and when it ends."""

    text: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a verified access token says: of which user and sign-in (its family), and what else; times in seconds."""

    user_id: UUID
    family_id: UUID
    token_id: str
    issued: int
    not_before: int
    expires: int
    email: str | None
    name: str | None
    email_verified: bool


def sign(
    user: User, family_id: UUID, *, key: SigningKey, policy: AccessTokenPolicy, now: datetime, ends: datetime
) -> AccessToken:
    """A token for the user that lives as long as the policy says, less up to a tenth, and never beyond `ends`."""
    issued = int(now.timestamp())
    life = policy.life.total_seconds()
    jittered = int(life - life * JITTER * secrets.randbelow(1000) / 1000)
    expires = min(issued + jittered, int(ends.timestamp()))
    claims = {
        "iss": policy.issuer,
        "aud": policy.audience,
        "sub": str(user.id),
        "sid": str(family_id),
        "jti": secrets.token_hex(16),
        "iat": issued,
        "nbf": issued,
        "exp": expires,
        "email": user.email,
        # The article's readers know the email address by this name.
        "username": user.email,
        "name": user.name,
        "email_verified": user.email_verified is not None,
        "role": user.role.value,
    }
    text = jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": key.kid})
    return AccessToken(text, datetime.fromtimestamp(expires, tz=now.tzinfo))


def verify(text: str, *, keys: Mapping[str, Ed25519PublicKey], policy: AccessTokenPolicy, now: datetime) -> Bearer:
    """Whom the token speaks of.

    One algorithm, known keys only, and nothing that the header brings along is believed (RFC 8725).

    Raises:
        AccessTokenInvalidError: malformed, of another kind, not ours, or expired.
    """
    try:
        header = jwt.get_unverified_header(text)
        key = keys.get(str(header.get("kid")))
        if header.keys() != HEADER or header["typ"] != TYPE or header["alg"] != ALGORITHM or key is None:
            raise AccessTokenInvalidError
        claims = jwt.decode(
            text,
            key,
            algorithms=[ALGORITHM],
            audience=policy.audience,
            issuer=policy.issuer,
            # PyJWT reads the clock itself; times are checked below against the caller's.
            options={"require": list(REQUIRED), "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.PyJWTError:
        raise AccessTokenInvalidError from None
    return _bearer_of(claims, policy, now)


def _bearer_of(claims: Mapping[str, Any], policy: AccessTokenPolicy, now: datetime) -> Bearer:
    times = (claims["iat"], claims["nbf"], claims["exp"])
    if any(type(at) is not int for at in times) or not isinstance(claims["jti"], str):
        raise AccessTokenInvalidError
    at, leeway = now.timestamp(), policy.leeway.total_seconds()
    issued, not_before, expires = times
    if issued > at + leeway or not_before > at + leeway or expires <= at - leeway:
        raise AccessTokenInvalidError
    user_id, family_id = find_id(str(claims["sub"])), find_id(str(claims["sid"]))
    if user_id is None or family_id is None:
        raise AccessTokenInvalidError
    return Bearer(
        user_id=user_id,
        family_id=family_id,
        token_id=claims["jti"],
        issued=issued,
        not_before=not_before,
        expires=expires,
        email=claims.get("email"),
        name=claims.get("name"),
        email_verified=claims.get("email_verified") is True,
    )
