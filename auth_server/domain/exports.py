"""What is held of a user, as it is told to them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from auth_server.domain.adapter import Account, Session
from auth_server.domain.audit_seal import Personal
from auth_server.domain.authenticators import Authenticator
from auth_server.domain.images import Picture
from auth_server.domain.one_time_tokens import Purpose
from auth_server.domain.revocations import Revocation
from auth_server.domain.stored_events import StoredEvent
from auth_server.domain.users import User

# Providers name their secrets as they like: oauth_token_secret, code_verifier, apiKey ...
_SECRET = re.compile(r"token|secret|code|key|password|nonce|assertion|signature|hash|session", re.IGNORECASE)
MOST_LEVELS = 16  # protobuf's readers take a hundred, of which a level of JSON is three
_TOKENS = ("access_token", "refresh_token", "id_token", "session_state")


@dataclass(frozen=True, slots=True)
class HeldUser:
    """A user with what only they and operators see."""

    user: User
    disabled_at: datetime | None
    has_password: bool


@dataclass(frozen=True, slots=True)
class HeldAccount:
    """An account without its secrets, of which `withheld` has the names."""

    account: Account
    id_token_claims: Mapping[str, Any] | None
    extras: Mapping[str, Any]
    withheld: Sequence[str]


@dataclass(frozen=True, slots=True)
class HeldSignIn:
    """A sign-in, whether or not it lives."""

    id: UUID
    device: str | None
    address: str | None
    created: datetime
    expires: datetime
    ended_at: datetime | None
    ended_reason: str | None
    refreshed_at: Sequence[datetime]
    methods: Sequence[str]


@dataclass(frozen=True, slots=True)
class HeldVerificationToken:
    """A verification token for the user's address."""

    identifier: str
    token_hash: bytes
    expires: datetime


@dataclass(frozen=True, slots=True)
class HeldChallenge:
    """A sign-in that waits for the second factor."""

    hash: bytes
    methods: Sequence[str]
    expires: datetime


@dataclass(frozen=True, slots=True)
class HeldSecondFactor:
    """An authenticator app that the user is asked for, or that waits to be confirmed."""

    created_at: datetime
    confirmed_at: datetime | None
    recovery_codes: int
    """How many are left."""


@dataclass(frozen=True, slots=True)
class HeldOneTimeToken:
    """A token of a mailed link."""

    purpose: Purpose
    address: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class SealedMail:
    """A mail in the outbox as it is stored; `sealed` is None where its values have been wiped."""

    id: UUID
    kind: str
    recipient: str
    locale: str | None
    created_at: datetime
    expires: datetime | None
    dead_at: datetime | None
    attempts: int
    last_error: str | None
    sealed: bytes | None


@dataclass(frozen=True, slots=True)
class HeldMail:
    """A mail in the outbox, and what its text is made of but for the secret of its link."""

    mail: SealedMail
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HeldAuditEvent:
    """An entry of the audit log, and what was personal in it, as far as it is the user's own."""

    event: StoredEvent
    personal: Personal


@dataclass(frozen=True, slots=True)
class NotedImage:
    """An image of the user's that the store holds, or is about to hold or to remove."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class HeldImage:
    """The same with what it shows; None where the store has it not yet, or no more."""

    noted: NotedImage
    picture: Picture | None


Held = (
    HeldUser
    | HeldAccount
    | Authenticator
    | Session
    | HeldSignIn
    | HeldVerificationToken
    | HeldOneTimeToken
    | HeldChallenge
    | HeldSecondFactor
    | HeldMail
    | HeldAuditEvent
    | HeldImage
    | Revocation
)


def held_mail_of(mail: SealedMail, values: Mapping[str, str]) -> HeldMail:
    """The mail as it is told, without the secret of its link."""
    return HeldMail(mail, {name: value for name, value in values.items() if not _SECRET.search(name)})


def held_account_of(account: Account) -> HeldAccount:
    """The account as it is told; what may be a secret is named and not told.

    Whoever holds an access token of 15 minutes must not get a provider's tokens of months by it.
    """
    kept = {name: getattr(account.secrets, name) for name in _TOKENS}
    extras = account.secrets.extras
    secret = [name for name, value in kept.items() if value is not None] + sorted(filter(_SECRET.search, extras))
    told = {name: value for name, value in extras.items() if not _SECRET.search(name)}
    return HeldAccount(account, _claims_of(account.secrets.id_token), told, secret)


def _claims_of(id_token: str | None) -> Mapping[str, Any] | None:
    """What a JWT says (RFC 7519, section 7.2), its signature unverified; None where it cannot be read."""
    body = (id_token or "").split(".")[1:2]
    if not body:
        return None
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(body[0] + "=" * (-len(body[0]) % 4)))
    except (binascii.Error, ValueError):
        return None
    return claims if isinstance(claims, dict) and _is_within(claims, MOST_LEVELS) else None


def _is_within(value: Any, levels: int) -> bool:
    """Whether no more objects and lists than so many stand within each other."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return levels > 0 and all(_is_within(each, levels - 1) for each in inner)
    return True
