"""Images as browsers get them, through both forms of the gateway."""

import pytest

from tests.conftest import IMAGES_AT
from tests.images import an_image, shown, upload


@pytest.fixture
async def path(rest):
    """Where the gateway shows somebody's image."""
    url = await upload(rest.people, await rest.people.signed_in(), an_image("PNG", (64, 48)))
    return url.replace(IMAGES_AT, "/images")


async def content_of(rest, path):
    async with rest.session.get(rest.url + path) as answer:
        return await answer.read()


@pytest.mark.requirement(60)
async def test_an_image_is_shown_to_anybody_and_never_run(rest, path):
    answer = await rest.call("GET", path)

    assert answer.status == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert shown(await content_of(rest, path)).size == (64, 48)


async def test_an_image_that_the_browser_has_is_not_sent_again(rest, path):
    etag = (await rest.call("GET", path)).headers["etag"]

    answer = await rest.call("GET", path, headers={"if-none-match": etag})

    assert (answer.status, answer.text) == (304, "")


@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    "name",
    ["0" * 32 + ".png", "x", "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "0" * 32 + ".svg", "0" * 32, "%00"],
)
async def test_a_name_that_no_image_has_is_not_found(rest, name):
    answer = await rest.call("GET", f"/images/{name}")

    assert (answer.status, answer.reason) == (404, "IMAGE_NOT_FOUND")


@pytest.mark.requirement(60)
async def test_a_former_image_is_shown_no_more(rest):
    ann = await rest.people.signed_in()
    urls = [await upload(rest.people, ann, an_image(kind)) for kind in ("PNG", "JPEG")]

    statuses = [(await rest.call("GET", url.replace(IMAGES_AT, "/images"))).status for url in urls]

    assert statuses == [404, 200]


@pytest.mark.requirement(63)
async def test_the_image_of_a_deleted_user_is_shown_no_more(rest):
    ann = await rest.people.signed_in()
    url = await upload(rest.people, ann, an_image())
    await rest.call("DELETE", f"/auth/{ann.id}", headers={"authorization": f"Bearer {ann.access_token}"})

    answer = await rest.call("GET", url.replace(IMAGES_AT, "/images"))

    assert answer.status == 404
