"""Puts together what signs access tokens: the keys, loaded and looked after."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from auth_server.background import repeating
from auth_server.domain.key_lives import RELOAD_EVERY, KeyPlan
from auth_server.domain.secrets import KeyRing, Seal
from auth_server.domain.signing_keys import Algorithm, shared_key
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.keys import Keys


@asynccontextmanager
async def tended_keys(
    settings: AuthServerSettings, database: Database, clock: Callable[[], datetime]
) -> AsyncIterator[Keys]:
    """The keys that sign, loaded, and looked after meanwhile.

    Raises:
        KeysUnreadableError: a key of the database cannot be opened.
    """
    seal = Seal(KeyRing.of(settings.sealing_keys.get_secret_value()))
    cache = timedelta(seconds=settings.jwks_cache_seconds)
    plan = KeyPlan(settings.signing_algorithm, settings.key_rotation_interval, cache)
    secret = settings.jwt_secret_key if settings.signing_algorithm is Algorithm.HS256 else None
    keys = Keys(database, seal, plan, clock, shared_key(secret.get_secret_value()) if secret else None)
    await keys.tend()
    async with repeating("signing keys", keys.tend, every=RELOAD_EVERY):
        yield keys
