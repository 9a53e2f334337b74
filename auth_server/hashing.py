"""Puts together what hashing passwords needs: the hashes, the threads that make them, and checks that tell nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from auth_server.background import repeating
from auth_server.domain.audit_events import current_origin
from auth_server.domain.imported_hashes.firebase_hashes import signer_key
from auth_server.domain.kept_hashes import KeptHashes
from auth_server.domain.passwords import PasswordHashes
from auth_server.domain.secrets import KeyRing
from auth_server.outside.even_checks import EvenChecks
from auth_server.outside.hash_pool import HashPool
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.slowest_hashes import LOOK_EVERY, SlowestHashes


@dataclass(frozen=True, slots=True)
class Hashing:
    """All that hashes passwords."""

    hashes: PasswordHashes
    checks: EvenChecks
    pool: HashPool


@asynccontextmanager
async def hashing(settings: AuthServerSettings, database: Database) -> AsyncIterator[Hashing]:
    """The hash pool and what runs in it, which knows from the start what was imported; leaving it ends the threads."""
    peppers, of_firebase = KeyRing.of(settings.peppers.get_secret_value()), settings.firebase_signer_key
    kept = KeptHashes(peppers, signer_key(of_firebase.get_secret_value()) if of_firebase else None)
    hashes = PasswordHashes(peppers, settings.bcrypt_cost, kept)
    checks = EvenChecks(hashes)
    pool = HashPool(width=settings.hash_pool_width, queue=settings.hash_pool_queue, party_of=_party_of_request)
    try:
        slowest = SlowestHashes(database, pool, checks)
        await slowest.look()
        async with repeating("slowest imported hash", slowest.look, every=LOOK_EVERY):
            yield Hashing(hashes, checks, pool)
    finally:
        pool.close()


def _party_of_request() -> str:
    """The address block that the request comes from; those of whom nobody tells an address are one party."""
    origin = current_origin.get()
    return (origin.client_of().block or "") if origin else ""
