"""Every check at login works as long as any other; measured at a cost of 10 ms, by the thread's own time."""

from __future__ import annotations

import statistics
import time

import pytest

from auth_server.domain.kept_hashes import KeptHashes
from auth_server.domain.passwords import PasswordHashes
from auth_server.outside.even_checks import EvenChecks
from tests.domain.test_kept_hashes import PBKDF2
from tests.domain.test_passwords import FIRST, ring

COST = 7
PEPPERS = ring(first=FIRST)
HASHES = PasswordHashes(PEPPERS, COST, KeptHashes(PEPPERS))
BCRYPT_OF_COST_6 = "$2b$06$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"


def works(checks: EvenChecks, made: str, password: str) -> float:
    """The seconds that its thread works for a check."""
    began = time.thread_time()
    checks.matches(password, made)
    return time.thread_time() - began


@pytest.mark.requirement(25)
def test_a_cheaper_hash_takes_as_long_as_one_of_the_present_cost() -> None:
    checks = EvenChecks(HASHES)
    kinds = {
        "dummy": HASHES.dummy(),
        "imported": HASHES.kept.keep(PBKDF2),
        "imported bcrypt": HASHES.kept.keep(BCRYPT_OF_COST_6),
        "older cost": PasswordHashes(PEPPERS, 5).make("x"),
        "damaged": "im1$first$bcrypt$64$%%%",
    }

    taken = {kind: [] for kind in kinds}
    for _ in range(9):
        for kind, made in kinds.items():
            taken[kind].append(works(checks, made, "wrong"))

    medians = {kind: statistics.median(all_of_it) for kind, all_of_it in taken.items()}
    # Without filling up, they would be a sixth to a half of it; the machine of the tests is busy.
    assert all(0.8 < each / medians["dummy"] < 1.25 for each in medians.values()), medians


@pytest.mark.requirement(25)
def test_all_take_as_long_as_the_slowest_imported_hash() -> None:
    checks = EvenChecks(HASHES)
    slowest = 3 * checks.seconds_of("wrong", HASHES.dummy())

    checks.slowest_seconds = slowest

    for made in (HASHES.dummy(), HASHES.kept.keep(PBKDF2)):
        assert 0.8 * slowest < statistics.median(works(checks, made, "wrong") for _ in range(5)) < 1.5 * slowest
    checks.slowest_seconds = 0
    assert statistics.median(works(checks, HASHES.dummy(), "wrong") for _ in range(5)) < 0.8 * slowest


@pytest.mark.requirement(25)
def test_the_right_password_of_somebody_who_may_not_log_in_takes_as_long() -> None:
    checks = EvenChecks(HASHES)
    older = PasswordHashes(PEPPERS, 4).make("right")

    right = statistics.median(works(checks, older, "right") for _ in range(9))
    wrong = statistics.median(works(checks, HASHES.dummy(), "right") for _ in range(9))

    assert checks.matches("right", older)
    assert 0.8 < right / wrong < 1.25
