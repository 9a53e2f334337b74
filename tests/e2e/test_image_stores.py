"""Images in the cloud: a server on a store of its own, told of it by the environment as operators do."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
import grpc
import pytest

from auth_server.app import StartError, running
from auth_server.settings import AuthServerSettings
from gatepost.v1 import images_service_pb2, images_service_pb2_grpc
from tests.e2e import image_stores
from tests.e2e.conftest import Needs
from tests.e2e.image_stores import Cloud
from tests.images import an_image, shown, upload
from tests.people import People, refused

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
async def azurite(needs: Needs) -> AsyncIterator[Cloud]:
    needs(shutil.which("node") is not None and image_stores.AZURITE.exists(), image_stores.HOW)
    async with image_stores.azurite() as cloud:
        yield cloud


@pytest.fixture(scope="module")
async def moto() -> AsyncIterator[Cloud]:
    with image_stores.moto() as cloud:
        await _make_bucket(cloud)
        yield cloud


async def _make_bucket(cloud: Cloud) -> None:
    """A bucket that everybody may read, but only we may write to."""
    url = f"{cloud.environment['AWS_ENDPOINT_URL']}/{image_stores.BUCKET}"
    resource = f"arn:aws:s3:::{image_stores.BUCKET}/*"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}
    async with aiohttp.ClientSession() as session:
        async with session.put(url) as made:
            assert made.status == 200
        async with session.put(f"{url}?policy", json={"Version": "2012-10-17", "Statement": [statement]}) as opened:
            assert opened.status in (200, 204)


@pytest.fixture(params=["azurite", "moto"])
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A store of which the environment tells."""
    found: Cloud = request.getfixturevalue(request.param)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


@asynccontextmanager
async def served(settings: AuthServerSettings, **more: Any) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server whose store of images is the environment's."""
    given = settings.model_dump(exclude={"image_store"}) | {"image_store_insecure": True} | more
    async with (
        running(AuthServerSettings(**given)) as server,
        grpc.aio.insecure_channel(server.grpc_target) as channel,
    ):
        yield channel


def people_of(channel: grpc.aio.Channel, settings: AuthServerSettings) -> People:
    return People(channel, settings.adapter_secret.get_secret_value())


async def test_an_image_is_kept_shown_and_replaced(
    cloud: Cloud, settings: AuthServerSettings, sql: asyncpg.Connection
) -> None:
    async with served(settings) as channel:
        people = people_of(channel, settings)
        ann = await people.signed_in()
        get_image = images_service_pb2_grpc.ImagesServiceStub(channel).GetImage
        names = [(await upload(people, ann, an_image(kind))).rpartition("/")[2] for kind in ("PNG", "WEBP")]

        with refused("IMAGE_NOT_FOUND"):
            await get_image(images_service_pb2.GetImageRequest(name=names[0]))
        got = await get_image(images_service_pb2.GetImageRequest(name=names[1]))

    assert got.media_type == "image/webp"
    assert shown(got.content).size == (40, 30)
    assert [row["name"] for row in await sql.fetch("SELECT name FROM images")] == [names[1]]


async def test_a_public_store_shows_images_itself(
    moto: Cloud, monkeypatch: pytest.MonkeyPatch, settings: AuthServerSettings, sql: asyncpg.Connection
) -> None:
    for name, value in moto.environment.items():
        monkeypatch.setenv(name, value)
    async with served(settings, image_base_url=moto.url) as channel:
        people = people_of(channel, settings)
        url = await upload(people, await people.signed_in(), an_image("JPEG"))

    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["content-disposition"] == "attachment"
        assert shown(await answer.read()).size == (40, 30)


@pytest.mark.parametrize(
    "environment",
    [
        {"GATEPOST_IMAGE_STORE": "s3://bucket", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        {"AZURE_STORAGE_CONTAINER_NAME": "pictures", "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:9/a"},
        {
            "GATEPOST_IMAGE_STORE": "gs://bucket",
            "GOOGLE_BASE_URL": "http://127.0.0.1:9",
            "GOOGLE_SKIP_SIGNATURE": "true",
        },
    ],
    ids=["S3", "Azure", "Google Cloud"],
)
async def test_a_store_that_is_away_is_said_to_be_and_changes_nothing(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    settings: AuthServerSettings,
    sql: asyncpg.Connection,
) -> None:
    account = {"AZURE_STORAGE_ACCOUNT_NAME": "a", "AZURE_STORAGE_ACCOUNT_KEY": image_stores.KEY}
    for name, value in {**account, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", **environment}.items():
        monkeypatch.setenv(name, value)
    async with served(settings) as channel:
        people = people_of(channel, settings)
        ann = await people.signed_in()

        with refused("IMAGE_STORE_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE):
            await upload(people, ann, an_image())
        with refused("IMAGE_STORE_UNAVAILABLE"):
            await images_service_pb2_grpc.ImagesServiceStub(channel).GetImage(
                images_service_pb2.GetImageRequest(name="0" * 32 + ".png")
            )

    assert await sql.fetchval("SELECT image FROM users") is None


async def test_plaintext_is_spoken_to_a_store_only_where_it_is_allowed(
    moto: Cloud, monkeypatch: pytest.MonkeyPatch, settings: AuthServerSettings, sql: asyncpg.Connection
) -> None:
    for name, value in moto.environment.items():
        monkeypatch.setenv(name, value)
    async with served(settings, image_store_insecure=False) as channel:
        people = people_of(channel, settings)
        ann = await people.signed_in()

        with refused("IMAGE_STORE_UNAVAILABLE"):
            await upload(people, ann, an_image())


async def test_a_store_without_its_account_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, settings: AuthServerSettings, sql: asyncpg.Connection
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONTAINER_NAME", "pictures")

    with pytest.raises(StartError, match="Account must be specified; check GATEPOST_IMAGE_STORE"):
        async with served(settings):
            pass
