"""Limits of time share their timers, and each ends what runs inside of it alone."""

import asyncio
import time

import pytest

from auth_server.domain.errors import DeadlineExceededError
from auth_server.interceptors.deadlines import SHARED_SECONDS, TimeLimits
from tests.waiting import at_most


async def lasting(limits, limit_seconds, seconds):
    """How long it took, and whether it was ended."""
    began = time.monotonic()
    try:
        with limits.of(limit_seconds):
            await asyncio.sleep(seconds)
    except DeadlineExceededError:
        return time.monotonic() - began, True
    return time.monotonic() - began, False


@pytest.mark.requirement(7)
async def test_each_ends_what_is_too_long_and_nothing_else():
    limits = TimeLimits()

    took = await asyncio.gather(
        *(lasting(limits, 0.5 + number / 1000, 60 if number % 2 else 0) for number in range(100))
    )

    for number, (seconds, was_ended) in enumerate(took):
        assert was_ended == bool(number % 2)
        if was_ended:
            assert 0.499 + number / 1000 < seconds < 0.5 + number / 1000 + at_most(SHARED_SECONDS + 0.5)


async def test_nothing_runs_for_no_time():
    limits, ran = TimeLimits(), False

    with pytest.raises(DeadlineExceededError), limits.of(0):
        ran = True

    assert not ran


async def test_who_ended_in_time_is_not_cancelled_later():
    limits = TimeLimits()

    _, was_ended = await lasting(limits, 0.5, 0)
    await asyncio.sleep(0.5 + 2 * SHARED_SECONDS)

    task = asyncio.current_task()
    assert task is not None
    assert (was_ended, task.cancelling()) == (False, 0)


async def test_the_inner_of_two_limits_ends_alone():
    limits = TimeLimits()

    with limits.of(30):
        with pytest.raises(DeadlineExceededError), limits.of(0.01):
            await asyncio.sleep(60)
        await asyncio.sleep(2 * SHARED_SECONDS)
