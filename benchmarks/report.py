"""The figures as tables to read and as JSON."""

import datetime
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from benchmarks.logins import LOGIN_ROUNDS, RATE_TARGET, LoginFlood, LoginRate
from benchmarks.measure import Comparison
from benchmarks.verifier import TARGET as VERIFIER_TARGET
from benchmarks.verifier import VerifierSpeed

Table = Sequence[Sequence[str]]


class Drawing(Protocol):
    """A way to write a table."""

    def __call__(self, rows: Table) -> str: ...


LEGEND = """\
Gatepost / floor in each column. The floor makes the same calls of aiohttp, grpc.aio and asyncpg with no line of
Gatepost. p50 and p99 at half of Gatepost's throughput for both, evenly spaced, counted from when a request was due.
CPU: user and system time a request of our processes, in microseconds (split: gateway + auth server). PG: PostgreSQL's.
Login: all in a closed loop of 5 s, p50 and p99 too, one login more under way than are hashed at once; its floor does
the same two statements, one bcrypt in as many threads and one signature. CPU time comes in ticks of 10 ms, which so
few requests leave coarse for a gateway.
VerifyAccessToken and Introspect: the floor echoes what PyJWT's verification gives, without a database. The tokens are
sent again and again, as users do; Gatepost verifies each one's signature once, and asks the database each time whether
the sign-in lives.
The load generator shares the machine, so requests a second are less than a machine for the servers alone would give."""
RATE_LEGEND = """\
Share, which the target is for: of the bound alone, hashes at once / time of a hash in a single thread. Together: / time
of a hash while that many threads hash. Both are timed right before and after each flood of logins, while Gatepost
rests. Others: their share of the machine meanwhile, which moves both sides."""
FLOOD_LEGEND = """\
Idle / flooded, in turns: 200 look-ups a second for 5 s each, medians of all rounds. Others: their share of the
machine meanwhile. Where one core is left, it is shared by all that does not hash, the load generator too: the floor's
line tells how much of a flooded p99 that alone makes."""
VERIFIER_LEGEND = """\
Of gatepost-client's verifier / of PyJWT with a key object, in one process and in turns, a second of CPU time; no
signature is remembered."""
BUSY_SHARE = 0.1


@dataclass
class Report:
    """What a run found."""

    machine: dict[str, str]
    seconds: float
    rounds: int
    others_share: float | None = None
    comparisons: list[Comparison] = field(default_factory=list)
    rates: list[LoginRate] = field(default_factory=list)
    floods: list[LoginFlood] = field(default_factory=list)
    verifier: VerifierSpeed | None = None

    def as_json(self) -> str:
        """Everything, for programs."""
        words = asdict(self)
        for row, found in zip(words["comparisons"], self.comparisons, strict=True):
            row["verdict"] = found.verdict
        for row, rate in zip(words["rates"], self.rates, strict=True):
            row["verdict"] = rate.verdict
        for row, flood in zip(words["floods"], self.floods, strict=True):
            row["verdict"] = flood.verdict
        if self.verifier:
            words["verifier"]["verdict"] = self.verifier.verdict
        return json.dumps(words, indent=2)

    def as_text(self) -> str:
        """Tables for a terminal."""
        machine = "\n".join(f"{name}: {words}" for name, words in self._circumstances().items())
        return "\n\n".join([*self._parts(_aligned), machine])

    def as_markdown(self, today: datetime.date) -> str:
        """A page to keep."""
        machine = "\n".join(f"- {name}: {words}" for name, words in self._circumstances().items())
        login_rounds = min(LOGIN_ROUNDS, self.rounds)
        run = (
            f"Medians of {self.rounds} rounds of {self.seconds:g} s (logins: {login_rounds}, longer ones); "
            "Gatepost and floor in turns."
        )
        busy = f" on a busy machine: others used {_percent(self.others_share)} of it" if self._is_busy else ""
        return "\n\n".join([f"# Benchmark of {today}{busy}", machine, run, *self._parts(_markdown)]) + "\n"

    @property
    def _is_busy(self) -> bool:
        return self.others_share is not None and self.others_share > BUSY_SHARE

    def _circumstances(self) -> dict[str, str]:
        return self.machine | {"work of others during the run": f"{_percent(self.others_share)} (of the machine)"}

    def _parts(self, drawn: Drawing) -> Iterable[str]:
        if self.comparisons:
            yield drawn([_COMPARISON_HEAD, *map(_comparison_row, self.comparisons)])
            yield LEGEND
        if self.verifier:
            yield drawn([_VERIFIER_HEAD, _verifier_row(self.verifier)])
            yield VERIFIER_LEGEND
        if self.rates:
            yield drawn([_RATE_HEAD, *map(_rate_row, self.rates)])
            yield RATE_LEGEND
        if self.floods:
            yield drawn([_FLOOD_HEAD, *map(_flood_row, self.floods)])
            yield FLOOD_LEGEND


_COMPARISON_HEAD = ("operation", "form", "requests/s", "p50 ms", "p99 ms", "CPU us", "PG us", "ratio", "target", "")
_RATE_HEAD = (
    "logins",
    "hashes at once",
    "logins/s",
    "alone",
    "share",
    "together",
    "share of it",
    "others",
    "target",
    "",
)
_VERIFIER_HEAD = ("local verifier", "tokens/s", "ratio", "target", "")
_FLOOD_HEAD = ("GetSessionAndUser in a flood of logins", "hashes at once", "p50 ms", "p99 ms", "others", "target", "")


def _comparison_row(found: Comparison) -> Sequence[str]:
    ours, floors = found.gatepost, found.floor
    parts = " + ".join(f"{spent:.0f}" for spent in ours.cpu_us.values()) if len(ours.cpu_us) > 1 else ""
    postgres = "-" if ours.postgres_us is None else f"{ours.postgres_us:.0f} / {floors.postgres_us or 0:.0f}"
    return (
        found.case,
        found.form,
        f"{ours.per_second:.0f} / {floors.per_second:.0f}",
        f"{ours.p50_ms:.2f} / {floors.p50_ms:.2f}",
        f"{ours.p99_ms:.2f} / {floors.p99_ms:.2f}",
        f"{ours.own_cpu_us:.0f}{f' ({parts})' if parts else ''} / {floors.own_cpu_us:.0f}",
        postgres,
        f"{found.cpu_ratio:.2f}",
        f"<= {found.cpu_target:.2f}",
        found.verdict,
    )


def _rate_row(found: LoginRate) -> Sequence[str]:
    return (
        found.form,
        str(found.width),
        f"{found.per_second:.2f}",
        f"{found.alone_per_second:.2f}",
        f"{found.share:.1%}",
        f"{found.together_per_second:.2f}",
        f"{found.share_together:.1%}",
        _percent(found.others_share),
        f">= {RATE_TARGET:.0%}",
        found.verdict,
    )


def _flood_row(found: LoginFlood) -> Sequence[str]:
    return (
        found.side,
        str(found.width),
        f"{found.idle_p50_ms:.2f} / {found.flood_p50_ms:.2f}",
        f"{found.idle_p99_ms:.2f} / {found.flood_p99_ms:.2f}",
        _percent(found.others_share),
        "-" if found.p99_ms_target is None else f"p99 <= {found.p99_ms_target:.2f}",
        found.verdict,
    )


def _verifier_row(found: VerifierSpeed) -> Sequence[str]:
    rates = f"{found.verifier:.0f} / {found.pyjwt:.0f}"
    return "access tokens verified", rates, f"{found.ratio:.2f}", f">= {VERIFIER_TARGET:.2f}", found.verdict


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"


def _aligned(rows: Table) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _markdown(rows: Table) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
