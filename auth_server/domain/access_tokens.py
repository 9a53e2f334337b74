"""Access tokens: JWTs of the profile of RFC 9068."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from auth_server.domain.errors import AccessTokenInvalidError
from auth_server.domain.ids import find_id
from auth_server.domain.signing_keys import SigningKey, VerifyingKey
from auth_server.domain.users import User

TYPE = "at+jwt"
REQUIRED = ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp")
HEADER = frozenset({"alg", "typ", "kid"})
LONGEST_LIFE = timedelta(minutes=15)
LEEWAY = timedelta(seconds=5)
JITTER = 0.1  # lives differ by a tenth, so that clients do not all refresh at once


class KeyUnknownError(Exception):
    """A token that looks like ours names a key that is not among those given."""


@dataclass(frozen=True, slots=True)
class AccessTokenPolicy:
    """Who issues access tokens, for whom, and how long they live at the most."""

    issuer: str
    audience: str
    life: timedelta
    leeway: timedelta = LEEWAY


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token and when it ends."""

    text: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a verified access token says: of which user and sign-in (its family), and what else; times in seconds."""

    key_id: str
    user_id: UUID
    family_id: UUID
    token_id: str
    issued: int
    not_before: int
    expires: int
    email: str | None
    name: str | None
    email_verified: bool
    methods: tuple[str, ...]
    """How the user has proven themselves when the sign-in began (RFC 8176); empty where that is not known."""


def sign(
    user: User,
    family_id: UUID,
    methods: Sequence[str],
    *,
    key: SigningKey,
    policy: AccessTokenPolicy,
    now: datetime,
    ends: datetime,
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
    if methods:
        claims["amr"] = list(methods)
    text = jwt.encode(claims, key.material, algorithm=key.algorithm.value, headers={"typ": TYPE, "kid": key.kid})
    return AccessToken(text, datetime.fromtimestamp(expires, tz=now.tzinfo))


def verify(text: str, *, keys: Mapping[str, VerifyingKey], policy: AccessTokenPolicy, now: datetime) -> Bearer:
    """Whom the token speaks of.

    Known keys only, each by its own algorithm, and nothing that the header brings along is believed (RFC 8725).

    Raises:
        KeyUnknownError: none of these keys has the id that the token names.
        AccessTokenInvalidError: malformed, of another kind, not ours, or expired.
    """
    try:
        header = jwt.get_unverified_header(text)
        if header.keys() != HEADER or header["typ"] != TYPE:
            raise AccessTokenInvalidError
        key = keys.get(header["kid"])
        if key is None:
            raise KeyUnknownError
        if header["alg"] != key.algorithm.value:
            raise AccessTokenInvalidError
        claims = jwt.decode(
            text,
            key.material,
            algorithms=[key.algorithm.value],
            audience=policy.audience,
            issuer=policy.issuer,
            # PyJWT reads the clock itself; times are checked below against the caller's.
            options={"require": list(REQUIRED), "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.PyJWTError:
        raise AccessTokenInvalidError from None
    bearer = _bearer_of(claims, key.kid)
    check_times(bearer, policy, now)
    return bearer


def check_times(bearer: Bearer, policy: AccessTokenPolicy, now: datetime) -> None:
    """Passes while the token is good.

    Raises:
        AccessTokenInvalidError: it is not good yet, or no more.
    """
    at, leeway = now.timestamp(), policy.leeway.total_seconds()
    if bearer.issued > at + leeway or bearer.not_before > at + leeway or bearer.expires <= at - leeway:
        raise AccessTokenInvalidError


def _bearer_of(claims: Mapping[str, Any], key_id: str) -> Bearer:
    methods = claims.get("amr", [])
    times = (claims["iat"], claims["nbf"], claims["exp"])
    if any(type(at) is not int for at in times) or not isinstance(claims["jti"], str):
        raise AccessTokenInvalidError
    if not isinstance(methods, list) or not all(isinstance(method, str) for method in methods):
        raise AccessTokenInvalidError
    issued, not_before, expires = times
    user_id, family_id = find_id(str(claims["sub"])), find_id(str(claims["sid"]))
    if user_id is None or family_id is None:
        raise AccessTokenInvalidError
    return Bearer(
        key_id=key_id,
        user_id=user_id,
        family_id=family_id,
        token_id=claims["jti"],
        issued=issued,
        not_before=not_before,
        expires=expires,
        email=claims.get("email"),
        name=claims.get("name"),
        email_verified=claims.get("email_verified") is True,
        methods=tuple(methods),
    )
