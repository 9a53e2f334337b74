"""A small OpenID Connect provider on loopback, with keys of its own."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

# Making one takes a fifth of a second; a provider and a stranger need one each.
KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]
NUMBERS = itertools.count()


class Provider:
    """Publishes its keys, and signs what it is told."""

    def __init__(self) -> None:
        self.keys = {"key-1": KEYS[next(NUMBERS) % len(KEYS)]}
        self.issuer = ""
        self.asked = 0
        self.broken = False
        self.calls_itself = ""
        """The issuer that its configuration names, where that is another one."""
        self.moved_keys = False

    def id_token(self, *, key: str = "key-1", algorithm: str = "RS256", **claims: Any) -> str:
        """An id_token that is good but for the claims given; None takes one away."""
        now = int(datetime.now(UTC).timestamp())
        good = {"iss": self.issuer, "aud": "client-1", "sub": "subject-1", "iat": now, "exp": now + 300}
        body = {name: value for name, value in (good | claims).items() if value is not None}
        return jwt.encode(body, self.keys[key], algorithm=algorithm, headers={"kid": key})

    async def _configuration(self, _: web.Request) -> web.Response:
        issuer = self.calls_itself or self.issuer
        return web.json_response({"issuer": issuer, "jwks_uri": f"{self.issuer}/keys"})

    async def _keys(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.moved_keys and request.path == "/keys":
            raise web.HTTPFound("/moved")
        if self.broken:
            return web.Response(status=500)
        published = [
            json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "RS256", "use": "sig"}
            for kid, key in self.keys.items()
        ]
        return web.json_response({"keys": published})


@asynccontextmanager
async def a_provider() -> AsyncIterator[Provider]:
    """A provider that serves meanwhile."""
    provider = Provider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider._configuration)
    app.router.add_get("/keys", provider._keys)
    app.router.add_get("/moved", provider._keys)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
