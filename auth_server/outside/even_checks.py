"""Checks of passwords at login that take the same time, whosever hash it is, so that time tells nothing of users."""

from __future__ import annotations

import math
import time

import bcrypt

from auth_server.domain.passwords import PasswordHashes

LEAST_COST = 4  # bcrypt's own least; about a millisecond, which is how exactly time is filled up
_PACE_COST = 8
_MEMORY = 8  # checks that the pace is an average of


class EvenChecks:
    """Checks passwords, and fills up what a check took less than the slowest kind takes.

    A check of a hash of the present cost takes what that of the dummy hash takes, which stands in where nobody has the
    address. Imported hashes and those of an older cost take other times. So each check goes on hashing nothing until
    its thread has worked as long as one of the present cost, or as the slowest imported hash where that takes longer.
    Work is measured, not the clock: where others keep the processor, they keep all kinds of checks alike.
    """

    def __init__(self, hashes: PasswordHashes) -> None:
        self._hashes = hashes
        cost = min(_PACE_COST, hashes.cost)
        self._pace = _seconds_of_bcrypt(cost) / 2**cost
        self.slowest_seconds = 0.0
        """What a check of the slowest imported hash takes; none takes less."""

    def matches(self, password: str, made: str) -> bool:
        """Whether the hash is of this password; belongs into the hash pool."""
        began = time.thread_time()
        answer = self._hashes.matches(password, made)
        spent = time.thread_time() - began
        if self._hashes.is_of_present_cost(made):
            self._learn_pace(spent, self._hashes.cost)
            present = spent
        else:
            present = self._pace * 2**self._hashes.cost
        self._fill(max(present, self.slowest_seconds) - spent)
        return answer

    def seconds_of(self, password: str, made: str) -> float:
        """How long a check works, and nothing filled up; belongs into the hash pool."""
        began = time.thread_time()
        self._hashes.matches(password, made)
        return time.thread_time() - began

    def _fill(self, seconds: float) -> None:
        while seconds > self._pace * 2**LEAST_COST / 2:
            cost = max(LEAST_COST, min(int(math.log2(seconds / self._pace)), self._hashes.cost))
            took = _seconds_of_bcrypt(cost)
            self._learn_pace(took, cost)
            seconds -= took

    def _learn_pace(self, seconds: float, cost: int) -> None:
        if cost >= min(_PACE_COST, self._hashes.cost):  # the shorter ones are mostly their overhead
            self._pace += (seconds / 2**cost - self._pace) / _MEMORY


def _seconds_of_bcrypt(cost: int) -> float:
    began = time.thread_time()
    bcrypt.hashpw(b"", bcrypt.gensalt(cost))
    return time.thread_time() - began
