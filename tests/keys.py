"""Signing keys for tests, and servers as far as their keys go. An RSA key takes long to make, so it is made once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import asyncpg

from auth_server.domain.key_lives import KeyPlan, KeyState
from auth_server.domain.secrets import KeyRing, Seal, identity_of
from auth_server.domain.signing_keys import Algorithm, SigningKey, make_key
from auth_server.settings import AuthServerSettings
from auth_server.storage import signing_keys
from auth_server.storage.database import Db
from auth_server.usecases.keys import Keys

PLAN = KeyPlan(Algorithm.EDDSA, timedelta(days=30), timedelta(minutes=5))


@cache
def rsa_key(number: int = 0) -> SigningKey:
    """The RSA key of this number, the same in all of a run."""
    return make_key(Algorithm.RS256)


class Time:
    """The clock of all servers of a test."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def goes(self, by: timedelta) -> None:
        self.now += by


def sealing(*names: str) -> Seal:
    """The seal of a server whose key ring has these keys, the first in use."""
    from tests.conftest import key_ring

    return Seal(KeyRing.of(",".join(map(key_ring, names))))


def a_server(
    db: Db, time: Time, plan: KeyPlan = PLAN, *, seal: Seal | None = None, shared: SigningKey | None = None
) -> Keys:
    """The keys of one more server, not loaded yet."""
    return Keys(db, seal or sealing("seal"), plan, time, shared)


async def states(db: Db) -> list[str]:
    """The states of all keys, sorted."""
    return sorted(key.life.state.value for key in await signing_keys.all_keys(db))


async def kid_of(db: Db, state: KeyState) -> str | None:
    """The id of a key in this state."""
    return next((key.life.kid for key in await signing_keys.all_keys(db) if key.life.state is state), None)


async def private_keys(settings: AuthServerSettings, sql: asyncpg.Connection) -> list[bytes]:
    """What the database holds sealed: the private halves of the active key and the next."""
    seal = Seal(KeyRing.of(settings.sealing_keys.get_secret_value()))
    rows = await sql.fetch("SELECT kid, sealed FROM signing_keys WHERE sealed <> ''")
    assert len(rows) == 2
    return [seal.open(row["sealed"], identity_of("signing_keys", row["kid"])) for row in rows]
