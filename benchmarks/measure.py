"""Gatepost and its bare floor under the same load in turns, and the medians of what they used."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from benchmarks.cpu import cpu_seconds_of
from benchmarks.load import Load, Outcome
from benchmarks.processes import Generator, Server, outcome_of


@dataclass(frozen=True)
class Side:
    """The processes that answer one request: Gatepost's or the floor's; the first listens to the load."""

    servers: tuple[Server, ...]

    @property
    def port(self) -> int:
        """Where the load goes."""
        return self.servers[0].port


@dataclass(frozen=True)
class Form:
    """A way to run Gatepost, beside the floor that it is held against."""

    name: str
    transport: str
    gatepost: Side
    floor: Side
    cpu_target: float  # Gatepost's CPU time a request at most, in floors


@dataclass(frozen=True)
class Figures:
    """What one side reached: requests a second, milliseconds, and microseconds of CPU a request by process."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: dict[str, float]
    postgres_us: float | None

    @property
    def own_cpu_us(self) -> float:
        """CPU time a request of all processes but PostgreSQL."""
        return sum(self.cpu_us.values())


@dataclass(frozen=True)
class Comparison:
    """A case in one form."""

    case: str
    form: str
    gatepost: Figures
    floor: Figures
    cpu_ratio: float
    cpu_target: float

    @property
    def verdict(self) -> str:
        """Whether the target is kept."""
        return verdict_of(self.cpu_ratio <= self.cpu_target)


_POSTGRES = "PostgreSQL"


@dataclass(frozen=True)
class _Slice:
    outcome: Outcome
    cpu_us: dict[str, float]

    @property
    def own_us(self) -> float:
        return sum(spent for name, spent in self.cpu_us.items() if name != _POSTGRES)


@dataclass(frozen=True)
class Bench:
    """What every measurement of a run shares."""

    load_of: Callable[..., Load]
    settle: Callable[[], None]
    """Waits until nothing is left to do of what was sent before."""
    postmaster_pid: int | None
    seconds: float
    rounds: int

    def compare(self, case: str, form: Form) -> Comparison:
        """Throughput and CPU time in a closed loop, latency at half of Gatepost's throughput; medians of all rounds."""
        loads = self._loads(case, form)
        busy = self._in_turns(form, loads)
        rate = median(a_slice.outcome.per_second for a_slice in busy[0]) / 2
        calm: list[list[Outcome]] = [[], []]
        for _ in range(self.rounds):
            for load, outcomes in zip(loads, calm, strict=True):
                outcomes.append(outcome_of(replace(load, rate_per_second=rate)))
        return _comparison(case, form, busy, calm)

    def compare_in_closed_loop(self, case: str, form: Form, *, seconds: float, in_flight: int) -> Comparison:
        """All figures, latency too, in a closed loop of this length and so many requests at once."""
        loads = [replace(load, seconds=seconds, in_flight=in_flight) for load in self._loads(case, form)]
        busy = self._in_turns(form, loads)
        return _comparison(case, form, busy, [[a_slice.outcome for a_slice in slices] for slices in busy])

    def _loads(self, case: str, form: Form) -> list[Load]:
        ports = form.gatepost.port, form.floor.port
        return [self.load_of(case=case, transport=form.transport, port=port, seconds=self.seconds) for port in ports]

    def _in_turns(self, form: Form, loads: list[Load]) -> list[list[_Slice]]:
        slices: list[list[_Slice]] = [[], []]
        for _ in range(self.rounds):
            for side, load, of_side in zip((form.gatepost, form.floor), loads, slices, strict=True):
                of_side.append(self._slice(side, load))
        return slices

    def _slice(self, side: Side, load: Load) -> _Slice:
        pids = {server.name: server.pid for server in side.servers}
        if self.postmaster_pid is not None:
            pids[_POSTGRES] = self.postmaster_pid
        generator = Generator(load)
        self.settle()
        before = {name: cpu_seconds_of(pid) for name, pid in pids.items()}
        generator.begin()
        outcome = generator.outcome()
        used = {name: cpu_seconds_of(pid) - before[name] for name, pid in pids.items()}
        return _Slice(outcome, {name: seconds / outcome.requests * 1e6 for name, seconds in used.items()})


def _comparison(case: str, form: Form, busy: list[list[_Slice]], calm: list[list[Outcome]]) -> Comparison:
    ratio = median(of_ours.own_us / of_floor.own_us for of_ours, of_floor in zip(*busy, strict=True))
    ours, floors = (_figures_of(*pair) for pair in zip(busy, calm, strict=True))
    return Comparison(case, form.name, ours, floors, ratio, form.cpu_target)


def _figures_of(busy: list[_Slice], calm: list[Outcome]) -> Figures:
    cpu_us = {name: median(a_slice.cpu_us[name] for a_slice in busy) for name in busy[0].cpu_us}
    postgres_us = cpu_us.pop(_POSTGRES, None)
    return Figures(
        per_second=median(a_slice.outcome.per_second for a_slice in busy),
        p50_ms=median(outcome.p50_ms for outcome in calm),
        p99_ms=median(outcome.p99_ms for outcome in calm),
        cpu_us=cpu_us,
        postgres_us=postgres_us,
    )


def verdict_of(kept: bool) -> str:
    """The word for a target that is kept or not."""
    return "ok" if kept else "over"
