"""The OpenID Connect providers whose id_tokens we verify."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt
import orjson

from auth_server.domain.errors import IdTokenInvalidError

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


@dataclass(slots=True)
class _Keys:
    by_id: Mapping[str, jwt.PyJWK]
    fetched: float


@dataclass(slots=True)
class IdentityProviders:
    """Checks id_tokens with the keys that their issuers publish; keys are kept for an hour."""

    issuers: Mapping[str, Issuer]
    _keys: dict[str, _Keys] = field(default_factory=dict)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def check(self, id_token: str, provider: str, subject: str, now: datetime) -> None:
        """Accepts an id_token of this provider for this subject (OpenID Connect Core 1.0, 3.1.3.7).

        Raises:
            IdTokenInvalidError: not good, of another subject, or of a provider that no setting names.
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
        except (jwt.PyJWTError, aiohttp.ClientError, TimeoutError, ValueError, KeyError):
            raise IdTokenInvalidError from None
        if (
            claims["sub"] != subject
            or not _is_timely(claims, now)
            or claims.get("azp", issuer.audience) != issuer.audience
        ):
            raise IdTokenInvalidError

    async def _key(self, issuer: Issuer, header: Mapping[str, Any]) -> jwt.PyJWK:
        key_id = str(header.get("kid", ""))
        async with self._asking:
            known = self._keys.get(issuer.issuer)
            age = time.monotonic() - known.fetched if known else KEYS_KEPT_SECONDS
            if known is None or age >= KEYS_KEPT_SECONDS or (key_id not in known.by_id and age >= RETRY_SECONDS):
                known = self._keys[issuer.issuer] = _Keys(await _published(issuer.issuer), time.monotonic())
        key = known.by_id.get(key_id)
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
