"""Which images go from the store, and when."""

import asyncio
from datetime import timedelta

import pytest

from auth_server.domain.image_errors import ImageStoreUnavailableError
from auth_server.outside.image_store import ImageStore
from auth_server.outside.picture_pool import PicturePool
from auth_server.usecases.images import ImageLimits, Images
from tests.images import an_image

BASE = "https://images.example.org/"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "made" / "later"


@pytest.fixture
def images(db, clock, folder):
    """Images in a folder of their own, of which no server knows."""
    pool = PicturePool(width=1, places=8)
    yield Images(db, ImageStore(folder.as_uri()), BASE, pool, ImageLimits(1_000_000, 1_000_000), clock)
    pool.close()


async def pieces(file=None):
    yield file or an_image()


def names_in(folder):
    return {f"{BASE}{path.name}" for path in folder.iterdir()}


async def test_the_former_image_is_removed_once_there_is_another(images, people, folder):
    user = await people.a_user()

    urls = [await images.replace(user.id, pieces()) for _ in range(3)]

    assert names_in(folder) == {urls[-1]}


@pytest.mark.parametrize("image", [None, "https://example.org/from-a-provider.png"])
async def test_an_image_that_the_front_end_replaces_is_swept(images, people, folder, sql, image):
    user = await people.a_user()
    await images.replace(user.id, pieces())
    await sql.execute("UPDATE users SET image = $1", image)

    await images.sweep()

    assert names_in(folder) == set()
    assert await sql.fetchval("SELECT count(*) FROM images") == 0


async def test_an_image_stays_while_its_user_changes_otherwise(images, people, folder, sql, clock):
    url = await images.replace((await people.a_user()).id, pieces())
    await sql.execute("UPDATE users SET name = 'Another', image = image")
    clock.advance(timedelta(days=1))

    await images.sweep()

    assert names_in(folder) == {url}


@pytest.mark.requirement(63)
async def test_the_image_of_a_user_who_goes_is_swept(images, people, folder, sql):
    await images.replace((await people.a_user()).id, pieces())
    await sql.execute("DELETE FROM users")

    await images.sweep()

    assert names_in(folder) == set()
    assert await sql.fetchval("SELECT count(*) FROM images") == 0


async def test_what_a_server_stored_before_it_died_is_swept_after_an_hour(images, people, folder, sql, clock):
    user = await people.a_user()
    await images.replace(user.id, pieces())
    # As it stands between the store's answer and the transaction.
    await sql.execute("UPDATE images SET remove_at = $1", clock() + timedelta(hours=1))
    await sql.execute(
        "ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET image = NULL; ALTER TABLE users ENABLE TRIGGER USER"
    )

    await images.sweep()
    early = names_in(folder)
    clock.advance(timedelta(hours=1))
    await images.sweep()

    assert len(early) == 1
    assert names_in(folder) == set()


async def test_what_cannot_be_removed_stays_noted_and_is_tried_again(images, people, folder, sql, clock, caplog):
    user = await people.a_user()
    first = await images.replace(user.id, pieces())
    path = folder / first.removeprefix(BASE)
    path.unlink()
    (path / "in").mkdir(parents=True)  # a folder that is not empty cannot be removed as a file

    second = await images.replace(user.id, pieces())
    noted = await sql.fetchval("SELECT count(*) FROM images")
    clock.advance(timedelta(minutes=6))
    with pytest.raises(ImageStoreUnavailableError):
        await images.sweep()
    (path / "in").rmdir()
    path.rmdir()
    clock.advance(timedelta(minutes=6))
    await images.sweep()

    assert noted == 2
    assert "former image is removed later" in caplog.text
    assert names_in(folder) == {second}
    assert await sql.fetchval("SELECT count(*) FROM images") == 1


async def test_of_two_uploads_at_once_one_image_stays(images, people, folder, sql):
    user = await people.a_user()

    urls = await asyncio.gather(*(images.replace(user.id, pieces()) for _ in range(2)))
    await images.sweep()

    image = await sql.fetchval("SELECT image FROM users")
    assert image in urls
    assert names_in(folder) == {image}


async def test_a_user_who_is_gone_by_then_leaves_no_image(images, people, folder, sql):
    user = await people.a_user()

    async def while_deleted():
        yield an_image()
        await sql.execute("DELETE FROM users")

    with pytest.raises(Exception, match="no such user"):
        await images.replace(user.id, while_deleted())
    await images.sweep()

    assert names_in(folder) == set()


async def test_many_servers_sweep_together(images, people, folder, sql):
    await images.replace((await people.a_user()).id, pieces())
    await sql.execute(
        "INSERT INTO images "
        "SELECT md5(n::text) || '.png', gen_random_uuid(), '', '-infinity' FROM generate_series(1, 250) n"
    )

    await asyncio.gather(*(images.sweep() for _ in range(4)))

    assert await sql.fetchval("SELECT count(*) FROM images") == 1
