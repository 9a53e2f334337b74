"""What the doctor found: a line each, good or bad, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is, the least first."""

    OK = "ok"
    WARN = "warn"
    """It works, and something is open to an attack or an accident."""
    FAIL = "fail"
    """It does not work, will not for long, or lets somebody in."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. No text holds a secret."""

    check: str
    level: Level
    text: str
    todo: str = ""
    """What to do; empty where all is well."""


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, text)


def warn(check: str, text: str, todo: str) -> Finding:
    """It could be better."""
    return Finding(check, Level.WARN, text, todo)


def fail(check: str, text: str, todo: str) -> Finding:
    """It must be put right."""
    return Finding(check, Level.FAIL, text, todo)


def worst_of(findings: list[Finding]) -> Level:
    """The level of the worst finding."""
    return max((each.level for each in findings), key=list(Level).index, default=Level.OK)
