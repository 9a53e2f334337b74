"""Who gets a place for an upload, and whose place it was."""

import asyncio
from uuid import uuid4

import pytest

from auth_server.domain.image_errors import ImagesBusyError
from auth_server.outside import picture_pool
from auth_server.outside.picture_pool import PicturePool

GRACE_SECONDS = 0.1


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.setattr(picture_pool, "GRACE_SECONDS", GRACE_SECONDS)
    pool = PicturePool(width=1, places=3)
    yield pool
    pool.close()


class Upload:
    """An upload that has sent so many bytes, and then sends no more until it may go on."""

    def __init__(self, pool, sent=1, user_id=None):
        self.go_on = asyncio.Event()
        self.sent = sent
        self.task = asyncio.create_task(self._file(pool, user_id or uuid4()))

    async def _file(self, pool, user_id):
        with pool.place(user_id) as place:
            return len(await place.receive(self._pieces(), 10_000_000))

    async def _pieces(self):
        yield bytes(self.sent)
        await self.go_on.wait()
        yield b"x"


async def files(uploads):
    """How many bytes came of each; None of one that had to go."""
    for each in uploads:
        each.go_on.set()
    ends = await asyncio.gather(*(each.task for each in uploads), return_exceptions=True)
    return [None if isinstance(end, ImagesBusyError) else end for end in ends]


@pytest.mark.requirement(5)
async def test_the_slowest_upload_gives_way_where_all_places_are_taken(pool):
    uploads = [Upload(pool, sent) for sent in (500, 5, 1_000_000)]
    await asyncio.sleep(GRACE_SECONDS * 1.5)

    later = Upload(pool)
    await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.wait([uploads[1].task]), 30)

    assert await files([*uploads, later]) == [501, None, 1_000_001, 2]


@pytest.mark.requirement(5)
async def test_who_is_through_at_the_moment_of_giving_way_has_no_place_any_more(pool):
    uploads = [Upload(pool, sent) for sent in (5, 500, 500)]
    await asyncio.sleep(GRACE_SECONDS * 1.5)

    uploads[0].go_on.set()
    with pool.place(uuid4()):
        assert await files(uploads) == [None, 501, 501]


@pytest.mark.requirement(5)
async def test_uploads_that_come_fast_enough_keep_their_places(pool):
    uploads = [Upload(pool, 1_000_000) for _ in range(3)]
    await asyncio.sleep(GRACE_SECONDS * 1.5)

    assert await files([Upload(pool)]) == [None]
    assert await files(uploads) == [1_000_001] * 3


async def test_nobody_gives_way_who_has_only_begun(pool, monkeypatch):
    monkeypatch.setattr(picture_pool, "GRACE_SECONDS", 60)
    uploads = [Upload(pool) for _ in range(3)]
    await asyncio.sleep(0)

    assert await files([Upload(pool)]) == [None]
    assert await files(uploads) == [2] * 3


@pytest.mark.requirement(5)
async def test_who_has_two_places_gives_one_to_who_has_none(pool, monkeypatch):
    monkeypatch.setattr(picture_pool, "GRACE_SECONDS", 60)
    ann, bob, cid = uuid4(), uuid4(), uuid4()
    uploads = [Upload(pool, 1, ann), Upload(pool, 1, ann), Upload(pool, 1, bob)]
    await asyncio.sleep(0)

    later = [Upload(pool, 1, each) for each in (cid, ann, bob, uuid4())]
    await asyncio.sleep(0)

    assert await files([*uploads, *later]) == [2, None, 2, 2, None, None, None]


async def test_a_slow_upload_of_a_user_gives_way_to_the_next_of_the_same(pool):
    ann = uuid4()
    uploads = [Upload(pool, sent, ann) for sent in (5, 500)]
    await asyncio.sleep(GRACE_SECONDS * 1.5)

    later = Upload(pool, 1, ann)
    await asyncio.sleep(0)

    assert await files([*uploads, later]) == [None, 501, 2]


async def test_an_image_that_is_being_drawn_keeps_its_place(pool):
    drawing, drawn = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def draw():
        with pool.place(uuid4()) as place:
            await place.receive(pieces(), 10)
            drawing.set()
            await place.run(lambda: asyncio.run_coroutine_threadsafe(drawn.wait(), loop).result(30))

    async def pieces():
        yield b"x"

    draws = [asyncio.create_task(draw()) for _ in range(3)]
    await drawing.wait()
    await asyncio.sleep(GRACE_SECONDS * 1.5)

    assert await files([Upload(pool)]) == [None]
    drawn.set()
    await asyncio.gather(*draws)
    assert await files([Upload(pool)]) == [2]
