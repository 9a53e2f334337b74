"""The OpenID Connect providers whose id_tokens we verify."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt
import orjson

from auth_server.domain.errors import IdentityProviderUnavailableError, IdTokenInvalidError

log = logging.getLogger(__name__)

# OpenID Connect Core 1.0 asks for RS256; the others are in use. No HMAC: its key would be the client's secret.
ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA")
KEYS_KEPT_SECONDS = 3600.0
RETRY_SECONDS = 60.0  # an unknown key id makes us ask again, but not more often than this
TIMEOUT = aiohttp.ClientTimeout(total=4)
ANSWER_BYTES = 256 * 1024
LEEWAY_SECONDS = 30
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues a provider's id_tokens, and our client id there, which they must name as their audience."""

    issuer: str
    audience: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whom an id_token speaks of, as long as nobody has verified it."""

    provider: str
    subject: str


@dataclass(slots=True)
class _KeySource:
    """The keys of one issuer, asked for when they are old or one is unknown, and not too often."""

    issuer: str
    by_id: Mapping[str, jwt.PyJWK] = field(default_factory=dict)
    fetched: float = -KEYS_KEPT_SECONDS
    tried: float = -KEYS_KEPT_SECONDS
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id; those that are known stay good while the issuer is away.

        Raises:
            IdentityProviderUnavailableError: no key is known, and the issuer does not answer.
        """
        async with self.asking:
            now = time.monotonic()
            wanted = now - self.fetched >= KEYS_KEPT_SECONDS or key_id not in self.by_id
            if wanted and now - self.tried >= RETRY_SECONDS:
                self.tried = now
                await self._fetch()
        if not self.by_id:
            raise IdentityProviderUnavailableError
        return self.by_id.get(key_id)

    async def _fetch(self) -> None:
        try:
            self.by_id = await _published(self.issuer)
            self.fetched = self.tried
        except (aiohttp.ClientError, jwt.PyJWTError, TimeoutError, ValueError, KeyError, OSError) as error:
            log.warning("an issuer's keys cannot be had", extra={"issuer": self.issuer, "cause": repr(error)})


@dataclass(slots=True)
class IdentityProviders:
    """Checks id_tokens with the keys that their issuers publish; keys are kept for an hour."""

    issuers: Mapping[str, Issuer]
    _sources: dict[str, _KeySource] = field(default_factory=dict)

    def claimed(self, id_token: str, provider: str | None) -> Claimed:
        """Whom the id_token speaks of, by this provider or the one whose issuer it names; nothing is verified yet.

        Raises:
            IdTokenInvalidError: it is none, or of a provider that no setting names.
        """
        try:
            claims = jwt.decode(id_token, options={"verify_signature": False})
        except jwt.PyJWTError:
            raise IdTokenInvalidError from None
        by_issuer = (name for name, issuer in self.issuers.items() if issuer.issuer == claims.get("iss"))
        named = provider or next(by_issuer, None)
        if named not in self.issuers or not isinstance(claims.get("sub"), str):
            raise IdTokenInvalidError
        return Claimed(str(named), claims["sub"])

    async def check(self, id_token: str, provider: str, subject: str, now: datetime) -> None:
        """Accepts an id_token of this provider for this subject (OpenID Connect Core 1.0, 3.1.3.7).

        Raises:
            IdTokenInvalidError: not good, or of another subject or provider.
            IdentityProviderUnavailableError: the issuer cannot be asked for its keys.
        """
        issuer = self.issuers.get(provider)
        if issuer is None:
            raise IdTokenInvalidError
        try:
            key = await self._key(issuer, jwt.get_unverified_header(id_token))
            claims = jwt.decode(
                id_token,
                key,
                algorithms=list(ALGORITHMS),
                audience=issuer.audience,
                issuer=issuer.issuer,
                # PyJWT reads the clock itself; times are checked below against the caller's.
                options={"require": ["iss", "aud", "sub", "exp", "iat"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            raise IdTokenInvalidError from None
        authorized = claims.get("azp", issuer.audience) == issuer.audience
        if claims["sub"] != subject or not authorized or not _is_timely(claims, now):
            raise IdTokenInvalidError

    async def _key(self, issuer: Issuer, header: Mapping[str, Any]) -> jwt.PyJWK:
        source = self._sources.setdefault(issuer.issuer, _KeySource(issuer.issuer))
        key = await source.key(str(header.get("kid", "")))
        if key is None or key.algorithm_name != header.get("alg"):
            raise IdTokenInvalidError
        return key


def _is_timely(claims: Mapping[str, Any], now: datetime) -> bool:
    issued, expires, at = claims["iat"], claims["exp"], now.timestamp()
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        return False
    return issued <= at + LEEWAY_SECONDS and expires > at - LEEWAY_SECONDS


async def _published(issuer: str) -> dict[str, jwt.PyJWK]:
    """The keys that the issuer publishes (OpenID Connect Discovery 1.0, section 4)."""
    async with aiohttp.ClientSession(timeout=TIMEOUT) as client:
        discovered = await _json(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if discovered.get("issuer") != issuer:
            raise ValueError("the configuration is of another issuer")
        published = await _json(client, str(discovered["jwks_uri"]))
    return {key.key_id: key for key in jwt.PyJWKSet.from_dict(published).keys if key.key_id}


async def _json(client: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError("an issuer is reached over https only")
    async with client.get(url, allow_redirects=False) as answer:
        answer.raise_for_status()
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > ANSWER_BYTES:
                raise ValueError("the answer is too long")
    value = orjson.loads(body)
    if not isinstance(value, dict):
        raise ValueError("the answer is no JSON object")
    return value
