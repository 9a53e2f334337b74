import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from auth_server.domain.budgets import DEFAULT_LIMITS, FAILURES_KEPT, PERIOD, Budget, Share, draw_of
from auth_server.storage import budgets
from tests.waiting import backends_that_wait

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PACE = PERIOD / DEFAULT_LIMITS[Budget.LOGIN][Share.DEVICES]


async def found(sql, draw):
    row = await sql.fetchrow("SELECT whole_at, failures FROM budgets WHERE subject = $1", draw.subject)
    return row["whole_at"], row["failures"]


def draws(*shares):
    return [draw_of(b"key", DEFAULT_LIMITS, Budget.LOGIN, share, "ann@example.org") for share in shares]


@pytest.mark.requirement(27)
async def test_what_is_given_back_at_the_same_moment_is_counted_right(db, sql):
    taken = draws(Share.DEVICES, Share.BLOCK, Share.ALL)

    for _ in range(9):
        assert await budgets.take(db, taken, 100, NOW) is None

    async with sql.transaction():
        await sql.fetch("SELECT FROM budgets ORDER BY subject FOR UPDATE")
        others = [asyncio.ensure_future(budgets.give_back(db, taken, NOW)) for _ in range(5)]
        await backends_that_wait(sql, 5)  # all of them have seen what there was before
    await asyncio.gather(*others)

    assert await found(sql, taken[0]) == (NOW + 4 * PACE, 4)
    await asyncio.gather(*(budgets.give_back(db, taken, NOW) for _ in range(4)))
    assert await sql.fetchval("SELECT count(*) FROM budgets") == 0


@pytest.mark.requirement(29)
async def test_guesses_at_the_same_moment_are_no_more_than_may_fail(db, sql):
    taken, most_failures = draws(Share.DEVICES), 3
    assert await budgets.take(db, taken, most_failures, NOW) is None

    async with sql.transaction():
        await sql.fetch("SELECT FROM budgets FOR UPDATE")
        others = [asyncio.ensure_future(budgets.take(db, taken, most_failures, NOW)) for _ in range(8)]
        await backends_that_wait(sql, 8)  # all of them have seen one failure
    spent = await asyncio.gather(*others)

    assert sum(each is None for each in spent) == most_failures - 1
    assert {each.wait for each in spent if each is not None} == {FAILURES_KEPT}
    assert await found(sql, taken[0]) == (NOW + most_failures * PACE, most_failures)


@pytest.mark.requirement(29)
async def test_failures_stay_counted_when_a_share_is_whole_by_what_is_given_back(db, sql):
    taken, later = draws(Share.ACCOUNT), NOW + timedelta(days=1)
    await budgets.take(db, taken, 100, NOW)

    await budgets.take(db, taken, 100, later)
    await budgets.give_back(db, taken, later)

    assert await found(sql, taken[0]) == (later, 1)
