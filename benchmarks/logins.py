"""Logins against the time of a hash, and what a flood of them does to the other calls."""

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks.load import CONNECTIONS, Load, Outcome
from benchmarks.machine import OtherWork
from benchmarks.measure import Bench, Comparison, Form, verdict_of
from benchmarks.processes import Generator, outcome_of

RATE_TARGET = 0.95
LOGIN_ROUNDS = 3  # each takes 5 to 8 s, and so many hashes vary little; a flood's p99 takes all rounds
COMPARISON_SECONDS = 5.0
LOOKUPS_PER_SECOND = 200
LOOKUP_SECONDS = 5.0
START_SECONDS = 3  # of the generator of the look-ups
FLOOD_SECONDS = LOOKUP_SECONDS + START_SECONDS
GUESS_SECONDS = 30.0


@dataclass(frozen=True)
class LoginRate:
    """Logins a second beside the bound of `width` hashes at once.

    The bound is `alone` by the time of a hash in a single thread, which the target is a share of, and `together` by
    that of a hash while `width` threads hash.
    """

    form: str
    width: int
    per_second: float
    alone_per_second: float
    share: float
    together_per_second: float
    share_together: float
    others_share: float | None

    @property
    def verdict(self) -> str:
        """Whether the target is kept."""
        return verdict_of(self.share >= RATE_TARGET)


@dataclass(frozen=True)
class LoginFlood:
    """Look-ups of a session, alone and while logins keep the whole hash pool busy; a floor has no target."""

    side: str
    width: int
    idle_p50_ms: float
    idle_p99_ms: float
    flood_p50_ms: float
    flood_p99_ms: float
    p99_ms_target: float | None
    others_share: float | None

    @property
    def verdict(self) -> str:
        """Whether the target is kept."""
        return "" if self.p99_ms_target is None else verdict_of(self.flood_p99_ms <= self.p99_ms_target)


@dataclass(frozen=True)
class _HashTimes:
    alone_seconds: float
    together_seconds: float

    def mean_with(self, other: "_HashTimes") -> "_HashTimes":
        return _HashTimes(
            (self.alone_seconds + other.alone_seconds) / 2, (self.together_seconds + other.together_seconds) / 2
        )


def hash_seconds(cost: int, *, threads: int) -> float:
    """The time of one bcrypt hash while so many threads hash and Gatepost rests."""
    command = [sys.executable, "-m", "benchmarks.floors.hashing", str(cost), str(threads)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def login_comparison(bench: Bench, form: Form, *, width: int) -> Comparison:
    """Logins beside the floor's, with one login more under way than are hashed at once."""
    return bench.compare_in_closed_loop("Login", form, seconds=COMPARISON_SECONDS, in_flight=width + 1)


def login_rate(bench: Bench, form: str, transport: str, port: int, *, width: int, cost: int) -> LoginRate:
    """Medians of rounds, each held against hashes that are timed right before and after it."""
    others = OtherWork(bench.postmaster_pid)
    rates, alone, together = [], [], []
    before = _hash_times(cost, width)
    for _ in range(bench.rounds):
        rates.append(outcome_of(_flood(bench, transport, port, width)).per_second)
        after = _hash_times(cost, width)
        beside = before.mean_with(after)
        alone.append(width / beside.alone_seconds)
        together.append(width / beside.together_seconds)
        before = after
    return LoginRate(
        form=form,
        width=width,
        per_second=median(rates),
        alone_per_second=median(alone),
        share=median(rate / bound for rate, bound in zip(rates, alone, strict=True)),
        together_per_second=median(together),
        share_together=median(rate / bound for rate, bound in zip(rates, together, strict=True)),
        others_share=others.share,
    )


def login_flood(
    bench: Bench, side: str, port: int, *, width: int, times_idle: float | None = None, at_most_ms: float | None = None
) -> LoginFlood:
    """Look-ups over REST, alone and in a flood in turns; the target is a p99 of so many times idle's, or of so much."""
    others = OtherWork(bench.postmaster_pid)
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
        side=side,
        width=width,
        idle_p50_ms=median(outcome.p50_ms for outcome in idle),
        idle_p99_ms=idle_p99_ms,
        flood_p50_ms=median(outcome.p50_ms for outcome in flooded),
        flood_p99_ms=median(outcome.p99_ms for outcome in flooded),
        p99_ms_target=at_most_ms if times_idle is None else idle_p99_ms * times_idle,
        others_share=others.share,
    )


def guess_flood(bench: Bench, port: int, *, width: int) -> LoginFlood:
    """Look-ups over REST, alone, and while 64 connections guess passwords and a victim's known device signs in.

    Fails where a throttle refuses the device.
    """
    others = OtherWork(bench.postmaster_pid)
    idle = _lookups(bench, port)
    rest = partial(bench.load_of, transport="rest", port=port, seconds=GUESS_SECONDS)
    floods = [
        Generator(rest(case="KnownDevice", in_flight=1)),
        Generator(rest(case="WrongPassword", in_flight=CONNECTIONS)),
    ]
    for flood in floods:
        flood.begin()
    flooded = _lookups(bench, port, GUESS_SECONDS - START_SECONDS)
    for flood in floods:
        flood.outcome()
    return LoginFlood(
        side=f"Gatepost, {CONNECTIONS} guess",
        width=width,
        idle_p50_ms=idle.p50_ms,
        idle_p99_ms=idle.p99_ms,
        flood_p50_ms=flooded.p50_ms,
        flood_p99_ms=flooded.p99_ms,
        p99_ms_target=None,
        others_share=others.share,
    )


def _hash_times(cost: int, width: int) -> _HashTimes:
    alone = hash_seconds(cost, threads=1)
    return _HashTimes(alone, alone if width == 1 else hash_seconds(cost, threads=width))


def _lookups(bench: Bench, port: int, seconds: float = LOOKUP_SECONDS) -> Outcome:
    load = bench.load_of(
        case="GetSessionAndUser",
        transport="rest",
        port=port,
        seconds=seconds,
        rate_per_second=LOOKUPS_PER_SECOND,
    )
    return outcome_of(load)


def _flood(bench: Bench, transport: str, port: int, width: int) -> Load:
    return bench.load_of(case="Login", transport=transport, port=port, seconds=FLOOD_SECONDS, in_flight=width + 1)
