"""Revocations: ends of sign-ins, users and keys that verifiers elsewhere must hear of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from auth_server.domain.errors import RevocationCursorInvalidError

LARGEST_TRANSACTION = 2**63 - 1
MOST_RUNNING = 64  # named one by one in a cursor

_CURSOR = re.compile(r"1-(?P<log>[0-9a-z]{1,40})-(?P<next>[0-9a-f]{1,16})(?P<running>(?:-[0-9a-f]{1,16}){0,64})")


class Subject(StrEnum):
    """What was revoked."""

    SIGN_IN = "sign_in"
    USER = "user"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Revocation:
    """An entry of the log; `number` tells it from all others, but does not order them."""

    number: int
    transaction: int
    subject: Subject
    subject_id: str
    reason: str
    revoked_at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """What of a log has been seen: what transactions below `next_transaction` wrote, but for those still running then.

    That is a snapshot of PostgreSQL's, so no entry is ever committed behind a position: one whose transaction takes
    long is among the running ones, however many came before it.
    """

    log: str
    next_transaction: int
    running: tuple[int, ...]

    @property
    def cursor(self) -> str:
        """The position as text."""
        if len(self.running) > MOST_RUNNING:  # shorter, and some entries come again
            return Position(self.log, min(self.running), ()).cursor
        return "-".join(["1", self.log, f"{self.next_transaction:x}", *(f"{each:x}" for each in self.running)])

    def is_before(self, later: Position) -> bool:
        """Whether a reader who has seen this can go on to the later position, or has to begin anew.

        A log that is another one cannot be gone on with, nor one that was put back to an earlier moment, such as by a
        copy of the database's files: it counts anew the transactions that the position has seen.
        """
        return self.log == later.log and self.next_transaction <= later.next_transaction


@dataclass(frozen=True, slots=True)
class Look:
    """What a look into the log shows: entries that a position had not seen, and the position that has seen them."""

    entries: Sequence[Revocation]
    position: Position


BEGINNING = Position("0", 0, ())


def position_of(cursor: str) -> Position:
    """The position that a cursor spells; the beginning where it is empty.

    Raises:
        RevocationCursorInvalidError: it spells none.
    """
    if not cursor:
        return BEGINNING
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise RevocationCursorInvalidError
    position = Position(
        found["log"],
        int(found["next"], 16),
        tuple(int(each, 16) for each in found["running"].split("-")[1:]),
    )
    if max(position.next_transaction, *position.running, 0) > LARGEST_TRANSACTION:
        raise RevocationCursorInvalidError
    return position
