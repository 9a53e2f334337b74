"""What was tried, and what of it was our fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

SHOWN_CHARACTERS = 2000


class FaultError(Exception):
    """A case that the server or the gateway may not answer so."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what was called, what was wrong, and the smallest case that shows it."""

    target: str
    what: str

    def __str__(self) -> str:
        return f"{self.target}: {self.what[:SHOWN_CHARACTERS]}"


@dataclass(slots=True)
class Findings:
    """Counts cases by kind, and keeps one fault for each target."""

    tried: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    """How often each reason or status came, so that one sees what random calls reach."""
    faults: dict[str, Fault] = field(default_factory=dict)

    def explore(
        self,
        kind: str,
        target: str,
        cases: st.SearchStrategy[Any],
        attempt: Callable[[Any], str],
        *,
        examples: int,
        seeded: int,
    ) -> None:
        """Attempts so many cases; the attempt answers a word for what came, or raises FaultError."""
        last: list[FaultError] = []

        @seed(seeded)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
            print_blob=False,
        )
        @given(cases)
        def run(case: Any) -> None:
            self.tried[kind] += 1
            try:
                self.answers[attempt(case)] += 1
            except FaultError as fault:
                last[:] = [fault]
                raise

        try:
            run()
        except (FaultError, Flaky):
            # One that does not come again, because it has changed what is there, is a fault as well.
            if last:
                self.add(kind, target, str(last[0]))

    def add(self, kind: str, target: str, what: str) -> None:
        """Keeps a fault, if it is the first of this target."""
        self.faults.setdefault(f"{kind} {target}", Fault(f"{kind}, {target}", what))

    def told(self) -> list[str]:
        """The faults, in words."""
        return [str(fault) for fault in self.faults.values()]
