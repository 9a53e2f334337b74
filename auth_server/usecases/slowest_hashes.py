"""Knowing how long the slowest imported hash takes to check, so that every check at login takes as long."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from auth_server.domain.imported_hashes import FORMATS
from auth_server.domain.kept_hashes import LONGEST_PASSWORD
from auth_server.outside.even_checks import EvenChecks
from auth_server.outside.hash_pool import HashPool
from auth_server.storage import kept_hashes
from auth_server.storage.database import Db

LOOK_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SlowestHashes:
    """Measures what is imported, each format and cost once."""

    db: Db
    hash_pool: HashPool
    checks: EvenChecks
    _seconds: dict[str, float] = field(default_factory=dict)

    async def look(self) -> None:
        """Lets checks take as long as those of the slowest hash that still waits for its user.

        Raises:
            HashingBusyError: too many passwords wait.
        """
        slowest = 0.0
        for made in await kept_hashes.costliest(self.db, FORMATS):
            kind = made.rpartition("$")[0]
            if kind not in self._seconds:
                # By the longest password: some formats take longer then, and whoever guesses chooses the length.
                self._seconds[kind] = await self.hash_pool.run(self.checks.seconds_of, LONGEST_PASSWORD, made)
            slowest = max(slowest, self._seconds[kind])
        self.checks.slowest_seconds = slowest
