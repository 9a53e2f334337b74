"""Puts together what the audit log needs: its seal, what notes refusals, and what lets its chain grow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth_server.background import repeating
from auth_server.domain.audit_seal import AuditSeal
from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.domain.secrets import KeyRing, Seal, derived_key, derived_keys
from auth_server.interceptors.refusals import Refusals
from auth_server.storage.database import Database
from auth_server.usecases.audit_chaining import Chaining
from auth_server.usecases.audit_keys import CheckpointKeys
from auth_server.usecases.audit_reading import AuditReading

CHAIN_EVERY = timedelta(seconds=1)
FORGET_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Audit:
    """What the server's parts need of the audit log."""

    seal: AuditSeal
    refusals: Refusals
    database: Database
    page_token_key: bytes

    def reading_until(self, is_stopping: Callable[[], bool]) -> AuditReading:
        """What reads the log; who watches it is told when the server stops."""
        return AuditReading(self.database, self.seal, self.page_token_key, is_stopping)


def audit_seal_of(ring: KeyRing) -> AuditSeal:
    """What seals and opens the personal part of events."""
    return AuditSeal(Seal(ring), tuple(derived_keys(ring, "audit subjects")))


@asynccontextmanager
async def audited(ring: KeyRing, database: Database, clock: Callable[[], datetime]) -> AsyncIterator[Audit]:
    """Events get their places in the chain meanwhile, within about a second."""
    refusals = Refusals(database, clock)
    seal = audit_seal_of(ring)

    async def forget() -> None:
        """A database that was put back from a backup may have other keys."""
        seal.known_keys.forget()

    chaining = Chaining(database, CheckpointKeys(Seal(ring)), clock)
    async with (
        repeating("audited refusals", refusals.flush, every=CHAIN_EVERY),
        repeating("audit chain", chaining.turn, every=CHAIN_EVERY),
        repeating("known audit keys", forget, every=FORGET_EVERY),
    ):
        try:
            yield Audit(seal, refusals, database, derived_key(ring, "page tokens of audit events"))
        finally:
            with suppress(DatabaseUnavailableError):
                await refusals.flush()
