"""Uploads over REST, through both forms of the gateway, to the real server."""

import asyncio
from io import BytesIO
from zipfile import ZipFile

import pytest
from yarl import URL

from auth_server.outside import picture_pool
from http_gateway import uploaded_routes
from tests.conftest import IMAGES_AT
from tests.images import BOUNDARY, FORM_TYPE, a_form, a_png_of, an_image

MEBIBYTE = 1024 * 1024
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def a_zip():
    """An archive, as it may stand behind an image."""
    into = BytesIO()
    with ZipFile(into, "w") as archive:
        archive.writestr("Main.class", b"\xca\xfe\xba\xbe")
    return into.getvalue()


HOSTILE = {
    "50,000 x 50,000 pixels": (a_png_of(50_000, 50_000), 400, "IMAGE_REFUSED", "pixels"),
    "a little more than the bound": (a_png_of(6001, 4000), 400, "IMAGE_REFUSED", "pixels"),
    "SVG with a script": (SVG, 400, "IMAGE_REFUSED", "type"),
    "a page": (b"<!doctype html><script>alert(1)</script>", 400, "IMAGE_REFUSED", "type"),
    "nothing": (b"", 400, "IMAGE_REFUSED", "type"),
    "TIFF": (an_image("TIFF"), 400, "IMAGE_REFUSED", "type"),
    "GIF and a page": (an_image("GIF") + b"<script>alert(1)</script>", 400, "IMAGE_REFUSED", "polyglot"),
    "JPEG and an archive": (an_image("JPEG") + a_zip(), 400, "IMAGE_REFUSED", "polyglot"),
    "JPEG and PHP": (an_image("JPEG", comment=b"<?php system($_GET[0]);"), 400, "IMAGE_REFUSED", "polyglot"),
    "PNG and PDF": (a_png_of(10, 10, (b"tEXt", b"a\0%PDF-1.7")), 400, "IMAGE_REFUSED", "polyglot"),
    "truncated PNG": (an_image("PNG", (300, 300))[:-200], 400, "IMAGE_REFUSED", "broken"),
    "truncated JPEG": (an_image("JPEG", (300, 300))[:-200], 400, "IMAGE_REFUSED", "broken"),
    "the head of a WebP": (an_image("WEBP")[:16], 400, "IMAGE_REFUSED", "broken"),
    "20 MB": (an_image("PNG") + bytes(20_000_000), 413, "REQUEST_TOO_LARGE", None),
    "a byte more than the bound": (an_image() + bytes(10 * MEBIBYTE), 413, "IMAGE_TOO_LARGE", None),
}


@pytest.fixture
async def ann(rest):
    """Somebody who is signed in."""
    return await rest.people.signed_in()


def headers_of(user, **more):
    return {"authorization": f"Bearer {user.access_token}", "content-type": FORM_TYPE} | more


async def put(rest, user, body, **more):
    """The answer to an upload of this body."""
    body = BytesIO(body) if isinstance(body, bytes) else body
    return await rest.call("PUT", f"/auth/upload-image/{user.id}", raw=body, headers=headers_of(user, **more))


@pytest.mark.requirement(60)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
async def test_an_uploaded_image_is_the_users_image(rest, ann, kind):
    answer = await put(rest, ann, a_form(an_image(kind)))

    assert answer.status == 200, answer.text
    assert answer.json["imageUrl"].startswith(f"{IMAGES_AT}/")
    assert answer.json.keys() == {"imageUrl"}
    user = await rest.call("GET", f"/auth/{ann.id}", headers=headers_of(ann))
    assert user.json["image"] == answer.json["imageUrl"]


@pytest.mark.requirement(60)
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_file_is_refused_and_nothing_is_stored(rest, ann, sql, image_folder, name):
    file, status, reason, rule = HOSTILE[name]
    before = set(image_folder.iterdir())

    answer = await put(rest, ann, a_form(file))

    assert (answer.status, answer.reason, answer.json.get("rule")) == (status, reason, rule)
    assert [error["field"] for error in answer.json.get("errors", [])] == (["image"] if rule else [])
    assert set(image_folder.iterdir()) == before
    assert await sql.fetchval("SELECT count(*) FROM images") == 0
    assert await sql.fetchval("SELECT image FROM users") is None


@pytest.mark.requirement(60)
async def test_a_body_without_a_length_is_bounded_while_it_streams(rest, ann):
    async def endless():
        yield a_form(an_image()).partition(b"\r\n--")[0]
        while True:
            yield bytes(65_536)

    answer = await put(rest, ann, endless())

    assert answer.status == 413


@pytest.mark.requirement(59)
async def test_nobody_uploads_for_another(rest, ann):
    bob = await rest.people.signed_in()

    answer = await rest.call("PUT", f"/auth/upload-image/{bob.id}", raw=a_form(an_image()), headers=headers_of(ann))

    assert (answer.status, answer.reason) == (403, "PERMISSION_DENIED")
    assert (await rest.call("GET", f"/auth/{bob.id}", headers=headers_of(bob))).json["image"] is None


@pytest.mark.requirement(3, 59)
async def test_who_may_not_upload_is_told_so_before_the_file_is_read(rest, ann):
    asked_for_more = asyncio.Event()

    async def beginning():
        yield a_form(an_image())[:200]
        await asked_for_more.wait()

    answer = await asyncio.wait_for(
        rest.call("PUT", "/auth/upload-image/1", raw=beginning(), headers=headers_of(ann)), 8
    )

    assert (answer.status, answer.reason) == (403, "PERMISSION_DENIED")
    asked_for_more.set()


@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        (a_form(an_image(), name="photo"), "REQUEST_INVALID", "photo"),
        (a_form(an_image()).replace(b"--\r\n", b"\r\n") + a_form(an_image()), "REQUEST_INVALID", "image"),
        (f"--{BOUNDARY}--\r\n".encode(), "REQUEST_INVALID", "image"),
        (a_form(an_image())[:-8], "HTTP_INVALID", None),
        (a_form(an_image()).replace(BOUNDARY.encode(), b"another"), "HTTP_INVALID", None),
        (b"", "HTTP_INVALID", None),
        (a_form(b"aW1hZ2U=", head="Content-Transfer-Encoding: base64\r\n"), "MEDIA_TYPE_UNSUPPORTED", None),
    ],
    ids=["another name", "two files", "no file", "cut off", "another boundary", "no body", "base64"],
)
async def test_a_form_without_just_the_file_is_refused(rest, ann, sql, body, reason, field):
    answer = await put(rest, ann, body)

    assert answer.reason == reason
    assert [error["field"] for error in answer.json.get("errors", [])] == ([field] if field else [])
    assert await sql.fetchval("SELECT count(*) FROM images") == 0


@pytest.mark.parametrize(
    "more",
    [
        {"content-type": "application/json"},
        {"content-type": "multipart/form-data"},
        {"content-type": f"multipart/mixed; boundary={BOUNDARY}"},
        {"content-encoding": "gzip"},
    ],
    ids=str,
)
async def test_a_body_that_is_no_form_is_refused(rest, ann, more):
    answer = await put(rest, ann, a_form(an_image()), **more)

    assert (answer.status, answer.reason) == (415, "MEDIA_TYPE_UNSUPPORTED")


@pytest.mark.requirement(60)
async def test_a_client_that_goes_away_leaves_nothing_behind(rest, ann, sql, image_folder):
    before = set(image_folder.iterdir())
    sent = asyncio.Event()

    async def beginning():
        yield a_form(an_image())[:-8]
        sent.set()
        await asyncio.sleep(60)

    leaving = asyncio.create_task(put(rest, ann, beginning()))
    await sent.wait()
    await asyncio.sleep(0.1)
    leaving.cancel()
    await asyncio.wait({leaving})
    after = await put(rest, ann, a_form(an_image()))

    assert after.status == 200
    assert len(set(image_folder.iterdir()) - before) == 1
    assert await sql.fetchval("SELECT count(*) FROM images") == 1


@pytest.mark.requirement(5)
async def test_uploads_that_do_not_go_on_give_way_to_the_next_of_their_user(rest, ann, monkeypatch):
    monkeypatch.setattr(picture_pool, "GRACE_SECONDS", 0.1)

    async def stuck():
        yield a_form(an_image())[:-50]
        await asyncio.sleep(60)

    hoard = [asyncio.create_task(put(rest, ann, stuck())) for _ in range(2)]
    async with asyncio.timeout(30):
        while not any(each.done() for each in hoard):  # the first may be before them
            answer = await put(rest, ann, a_form(an_image()))
            await asyncio.sleep(0.05)

    done, going_on = [each for each in hoard if each.done()], [each for each in hoard if not each.done()]
    assert answer.status == 200
    assert [(each.result().status, each.result().reason) for each in done] == [(429, "IMAGES_BUSY")]
    for each in going_on:
        each.cancel()


@pytest.mark.requirement(3)
@pytest.mark.parametrize(("token", "statuses"), [(None, [100, 400]), ("a.b.c", [401])])
async def test_leave_to_send_is_not_given_to_who_may_not_upload(rest, ann, token, statuses, monkeypatch):
    if 401 in statuses:  # which a busy machine may take a while to find out
        monkeypatch.setattr(uploaded_routes, "LEAVE_AFTER_SECONDS", 8)
    place = URL(rest.url)
    reader, writer = await asyncio.open_connection(place.host, place.port)
    lines = [
        f"PUT /auth/upload-image/{ann.id} HTTP/1.1",
        "host: x",
        f"authorization: Bearer {token or ann.access_token}",
        f"content-type: {FORM_TYPE}",
        "content-length: 9",
        "expect: 100-continue",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())

    seen = []
    for _ in statuses:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 8)
        seen.append(int(head.split()[1]))
        writer.write(b"no form.." if seen == [100] else b"")
    writer.close()

    assert seen == statuses


@pytest.mark.requirement(7)
async def test_a_client_says_how_long_it_waits(rest, ann):
    async def slow():
        yield a_form(an_image())[:200]
        await asyncio.sleep(60)

    answer = await asyncio.wait_for(put(rest, ann, slow(), **{"grpc-timeout": "200m"}), 8)

    assert (answer.status, answer.reason) == (504, "DEADLINE_EXCEEDED")
