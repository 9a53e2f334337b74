import asyncio
import contextlib
import logging
from datetime import timedelta

import pytest

from auth_server.background import repeating

OFTEN = timedelta(milliseconds=10)


class Turns:
    """Work that counts its turns; those named fail or hang."""

    def __init__(self, failing=(), hanging=()):
        self.begun = self.ended = self.at_once = 0
        self.failing, self.hanging = failing, hanging
        self.cancelled = False

    async def __call__(self):
        self.begun += 1
        self.at_once += 1
        assert self.at_once == 1
        try:
            if self.begun in self.failing:
                raise ValueError(f"turn {self.begun}")
            await asyncio.sleep(60 if self.begun in self.hanging else 0)
            self.ended += 1
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.at_once -= 1

    async def reach(self, number):
        async with asyncio.timeout(30):
            while self.begun < number:  # noqa: ASYNC110 (what is waited for happens in another task)
                await asyncio.sleep(0.005)


async def test_work_repeats_and_ends_with_the_block():
    work = Turns()

    async with repeating("work", work, every=OFTEN):
        assert work.begun == 0
        await work.reach(3)
    begun = work.begun
    await asyncio.sleep(0.05)

    assert work.begun == begun
    assert "work" not in {task.get_name() for task in asyncio.all_tasks()}


def said(caplog):
    """What the work under test logged; a server that other tests share may log meanwhile."""
    return [record for record in caplog.records if getattr(record, "work", None) == "work"]


async def test_a_turn_that_fails_is_logged_and_the_next_one_comes(caplog):
    caplog.set_level(logging.INFO, "auth_server.background")
    work = Turns(failing=(1, 2, 3))

    async with repeating("work", work, every=OFTEN):
        await work.reach(5)

    failed, again = said(caplog)
    assert (failed.levelname, str(failed.exc_info[1])) == ("ERROR", "turn 1")
    assert (again.levelname, again.failures) == ("INFO", 3)


async def test_a_turn_that_hangs_is_given_up(caplog):
    work = Turns(hanging=(1,))

    async with repeating("work", work, every=OFTEN, patience=timedelta(milliseconds=20)):
        await work.reach(2)

    assert [type(record.exc_info[1]) for record in said(caplog)] == [TimeoutError]


async def test_the_end_cancels_the_turn_under_way_and_waits_for_it():
    work = Turns(hanging=(1,))

    async with repeating("work", work, every=OFTEN):
        await work.reach(1)

    assert work.cancelled
    assert work.at_once == 0


async def test_an_error_of_the_block_passes():
    with pytest.raises(KeyError):
        async with repeating("work", Turns(), every=OFTEN):
            raise KeyError


async def test_work_that_ignores_its_cancelling_gets_no_further_turn():
    turns = []

    async def stubborn():
        turns.append(1)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    async with repeating("stubborn", stubborn, every=OFTEN):
        await asyncio.sleep(0.05)

    assert len(turns) == 1
    assert "stubborn" not in {task.get_name() for task in asyncio.all_tasks()}


@pytest.mark.parametrize("jitter", [0, 0.2])
async def test_no_wait_is_longer_than_it_was_said(monkeypatch, jitter):
    waits = []
    sleep = asyncio.sleep

    async def noted(seconds):
        if asyncio.current_task().get_name() != "noted":  # a server's, that other tests share
            return await sleep(seconds)
        waits.append(seconds)
        return await sleep(0)

    work = Turns()
    monkeypatch.setattr(asyncio, "sleep", noted)
    async with repeating("noted", work, every=timedelta(seconds=10), jitter=jitter):
        while work.begun < 50:
            await sleep(0)

    seen = [seconds for seconds in waits if seconds]
    assert max(seen) <= 10
    assert min(seen) >= 10 * (1 - jitter)
    assert (len(set(seen)) > 1) is bool(jitter)
