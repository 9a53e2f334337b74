"""What a verified access token says, and the rules that it is held against."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gatepost_client.errors import AccessTokenInvalidError

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch


@dataclass(frozen=True, slots=True)
class Claims:
    """Whom a good access token speaks of."""

    user_id: str
    sign_in_id: str
    key_id: str
    """The key that signed the token."""
    token_id: str
    issue_time: datetime
    expire_time: datetime
    role: str
    email: str | None
    email_verified: bool
    name: str | None
    methods: tuple[str, ...] = ()
    """How the user proved themselves when the sign-in began (`amr`, RFC 8176); empty where nothing is known of it."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Who issues the tokens that are taken, for whom, and how long they may live."""

    issuer: str
    audience: str
    leeway: timedelta
    """How far the clocks of the issuer and of this machine may be apart."""
    longest_life: timedelta
    """A token that lives longer is refused, because its revocation would be forgotten before it expires."""

    def claims_of(self, payload: Mapping[str, Any], key_id: str, now: float) -> Claims:
        """The claims of a token whose signature by this key is good; `now` in seconds since 1970 (RFC 9068, RFC 8725).

        Raises:
            AccessTokenInvalidError: a claim is missing, of the wrong type or wrong, or the token is not valid now.
        """
        if payload.get("iss") != self.issuer:
            raise AccessTokenInvalidError("issuer")
        if not self._is_for_us(payload.get("aud")):
            raise AccessTokenInvalidError("audience")
        issued, expires = self._times_of(payload, now)
        sub, sid, jti = payload.get("sub"), payload.get("sid"), payload.get("jti")
        if not (isinstance(sub, str) and _UUID(sub)):
            raise AccessTokenInvalidError("sub")
        if not (isinstance(sid, str) and _UUID(sid)):
            raise AccessTokenInvalidError("sid")
        if not (isinstance(jti, str) and jti):
            raise AccessTokenInvalidError("jti")
        return Claims(
            user_id=sub,
            sign_in_id=sid,
            key_id=key_id,
            token_id=jti,
            issue_time=datetime.fromtimestamp(issued, UTC),
            expire_time=datetime.fromtimestamp(expires, UTC),
            role=_text(payload.get("role")) or "",
            email=_text(payload.get("email")),
            email_verified=payload.get("email_verified") is True,
            name=_text(payload.get("name")),
            methods=_texts(payload.get("amr")),
        )

    def _is_for_us(self, audience: Any) -> bool:
        if isinstance(audience, list):
            return self.audience in audience
        return isinstance(audience, str) and audience == self.audience

    def _times_of(self, payload: Mapping[str, Any], now: float) -> tuple[int, int]:
        issued, not_before, expires = payload.get("iat"), payload.get("nbf"), payload.get("exp")
        # A bool is an int, and a float may be infinite.
        if type(issued) is not int or type(not_before) is not int or type(expires) is not int:
            raise AccessTokenInvalidError("times")
        leeway = self.leeway.total_seconds()
        if issued > now + leeway or not_before > now + leeway:
            raise AccessTokenInvalidError("not yet valid")
        if expires <= now - leeway:
            raise AccessTokenInvalidError("expired")
        if expires - issued > self.longest_life.total_seconds():
            raise AccessTokenInvalidError("life too long")
        return issued, expires


def _texts(value: Any) -> tuple[str, ...]:
    """The claim of a list of texts.

    Raises:
        AccessTokenInvalidError: it is something else.
    """
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise AccessTokenInvalidError("amr")
    return tuple(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
