"""Logins against the time of a hash, and what a flood of them does to the other calls."""

import subprocess
import sys
from dataclasses import dataclass
from statistics import median

from benchmarks.load import Load, Outcome
from benchmarks.measure import Bench, verdict_of
from benchmarks.processes import Generator, outcome_of

RATE_TARGET = 0.95
LOOKUPS_PER_SECOND = 200
LOOKUP_SECONDS = 5.0
FLOOD_SECONDS = LOOKUP_SECONDS + 3  # and the start of the generator of the look-ups


@dataclass(frozen=True)
class LoginRate:
    """Logins a second beside the bound that `width` hashes at once set."""

    form: str
    width: int
    per_second: float
    bound_per_second: float

    @property
    def share(self) -> float:
        """How much of the bound is reached."""
        return self.per_second / self.bound_per_second

    @property
    def verdict(self) -> str:
        """Whether the target is kept."""
        return verdict_of(self.share >= RATE_TARGET)


@dataclass(frozen=True)
class LoginFlood:
    """Look-ups of a session, alone and while logins keep the whole hash pool busy."""

    width: int
    idle_p50_ms: float
    idle_p99_ms: float
    flood_p50_ms: float
    flood_p99_ms: float
    p99_ms_target: float

    @property
    def verdict(self) -> str:
        """Whether the target is kept."""
        return verdict_of(self.flood_p99_ms <= self.p99_ms_target)


def hash_seconds(cost: int) -> float:
    """The time of one bcrypt hash on an otherwise idle machine."""
    command = [sys.executable, "-m", "benchmarks.floors.hashing", str(cost)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def login_rate(bench: Bench, form: str, transport: str, port: int, *, width: int, cost: int) -> LoginRate:
    """Medians of rounds, each beside its own measurement of the hash."""
    rates, bounds = [], []
    for _ in range(bench.rounds):
        bounds.append(width / hash_seconds(cost))
        rates.append(outcome_of(_flood(bench, transport, port, width)).per_second)
    return LoginRate(form, width, median(rates), median(bounds))


def login_flood(bench: Bench, port: int, *, width: int, p99_floors: float | None) -> LoginFlood:
    """Look-ups over REST, alone and in a flood in turns; the target is `p99_floors` times idle, else 10 ms."""
    idle: list[Outcome] = []
    flooded: list[Outcome] = []
    for _ in range(bench.rounds):
        idle.append(_lookups(bench, port))
        flood = Generator(_flood(bench, "rest", port, width))
        flood.begin()
        flooded.append(_lookups(bench, port))
        flood.outcome()
    idle_p99_ms = median(outcome.p99_ms for outcome in idle)
    return LoginFlood(
        width=width,
        idle_p50_ms=median(outcome.p50_ms for outcome in idle),
        idle_p99_ms=idle_p99_ms,
        flood_p50_ms=median(outcome.p50_ms for outcome in flooded),
        flood_p99_ms=median(outcome.p99_ms for outcome in flooded),
        p99_ms_target=10.0 if p99_floors is None else idle_p99_ms * p99_floors,
    )


def _lookups(bench: Bench, port: int) -> Outcome:
    load = bench.load_of(
        case="GetSessionAndUser",
        transport="rest",
        port=port,
        seconds=LOOKUP_SECONDS,
        rate_per_second=LOOKUPS_PER_SECOND,
    )
    return outcome_of(load)


def _flood(bench: Bench, transport: str, port: int, width: int) -> Load:
    return bench.load_of(case="Login", transport=transport, port=port, seconds=FLOOD_SECONDS, in_flight=width + 1)
