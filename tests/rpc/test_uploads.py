"""UploadUserImage over gRPC, and through the channel of a gateway in the server's process."""

import asyncio
import logging

import grpc
import pytest

from auth_server.app import running
from auth_server.outside.picture_pool import PicturePool
from gatepost.v1 import (
    images_service_pb2,
    images_service_pb2_grpc,
    users_service_pb2,
)
from gatepost.v1 import users_service_pb2 as pb
from http_gateway.upload_calls import answer_to
from tests.conftest import IMAGES_AT
from tests.images import an_image, pieces_of, shown, upload
from tests.people import People, refused, violations_of
from tests.waiting import until

LARGEST_MESSAGE_BYTES = 65_536


@pytest.fixture(params=["port", "in process"])
def calling(request, channel, server):
    """Uploads through one of the server's doors."""
    door = channel if request.param == "port" else server.channel
    return door.stream_unary(
        "/gatepost.v1.UsersService/UploadUserImage",
        request_serializer=pb.UploadUserImageRequest.SerializeToString,
        response_deserializer=pb.UploadUserImageResponse.FromString,
    )


@pytest.fixture
async def ann(people):
    """Somebody who is signed in."""
    return await people.signed_in()


async def stream_of(*requests):
    for request in requests:
        yield request


def an_id(user):
    return pb.UploadUserImageRequest(id=user.id)


def a_chunk(content=b"x"):
    return pb.UploadUserImageRequest(chunk=content)


@pytest.mark.requirement(60)
async def test_the_image_is_got_by_its_name(calling, channel, ann):
    file = an_image("PNG", (500, 400), mode="RGB", compress_level=0)
    assert len(file) > 3 * LARGEST_MESSAGE_BYTES

    answer = await calling(pieces_of(ann.id, file), metadata=ann.bearer)

    name = answer.image_url.removeprefix(f"{IMAGES_AT}/")
    images = images_service_pb2_grpc.ImagesServiceStub(channel)
    got = await images.GetImage(images_service_pb2.GetImageRequest(name=name))
    assert got.media_type == "image/png"
    assert shown(got.content).size == (500, 400)


@pytest.mark.requirement(3, 59)
async def test_the_first_message_must_name_the_caller(calling, people, ann):
    bob = await people.signed_in()

    for first in ([], [a_chunk()], [an_id(bob)], [pb.UploadUserImageRequest()]):
        with refused("PERMISSION_DENIED"):
            await answer_to(calling(stream_of(*first, a_chunk()), metadata=ann.bearer))


@pytest.mark.requirement(59)
async def test_a_later_message_names_nobody(calling, people, ann):
    bob = await people.signed_in()

    with refused("REQUEST_INVALID") as refusal:
        await answer_to(calling(stream_of(an_id(ann), a_chunk(an_image()), an_id(bob)), metadata=ann.bearer))

    assert violations_of(refusal.value) == ["id"]


@pytest.mark.requirement(11)
@pytest.mark.parametrize("further", [pb.UploadUserImageRequest(), a_chunk(b""), a_chunk(b"x" * 61_441)], ids=range(3))
async def test_every_message_is_held_against_its_rules(calling, ann, further):
    with refused("REQUEST_INVALID"):
        await answer_to(calling(stream_of(an_id(ann), further), metadata=ann.bearer))


@pytest.mark.requirement(5)
async def test_the_bound_of_a_message_stays(people, ann):
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await people.users.UploadUserImage(
            stream_of(an_id(ann), a_chunk(b"x" * LARGEST_MESSAGE_BYTES)), metadata=ann.bearer
        )

    assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.requirement(60)
async def test_a_file_beyond_its_bound_is_refused_while_it_streams(calling, ann):
    async def endless():
        yield an_id(ann)
        while True:
            yield a_chunk(bytes(60_000))
            await asyncio.sleep(0)

    with refused("IMAGE_TOO_LARGE", grpc.StatusCode.RESOURCE_EXHAUSTED):
        await answer_to(calling(endless(), metadata=ann.bearer))


@pytest.mark.requirement(45)
async def test_a_sign_in_that_ends_meanwhile_uploads_nothing(calling, people, ann, sql):
    async def until_logged_out():
        yield an_id(ann)
        yield a_chunk(an_image())
        await people.log_out(ann)

    with refused("ACCESS_TOKEN_INVALID"):
        await answer_to(calling(until_logged_out(), metadata=ann.bearer))

    assert await sql.fetchval("SELECT count(*) FROM images") == 0


@pytest.mark.requirement(7)
async def test_an_upload_ends_at_the_callers_deadline(calling, ann, sql):
    async def hanging():
        yield an_id(ann)
        await asyncio.sleep(60)

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await calling(hanging(), metadata=ann.bearer, timeout=0.2)

    assert refusal.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.requirement(7)
@pytest.mark.parametrize("ends", [False, True], ids=["longer than another call", "not for ever"])
async def test_an_upload_may_take(settings, people, ends):
    limits = {"longest_call": "PT0.1S", "longest_upload": "PT0.4S" if ends else "PT30S"}
    ann = await people.signed_in()

    async def slow():
        yield an_id(ann)
        await asyncio.sleep(60 if ends else 0.15)
        yield a_chunk(an_image())

    async with (
        running(type(settings)(**{**settings.model_dump(), **limits})) as server,
        grpc.aio.insecure_channel(server.grpc_target) as channel,
    ):
        uploaded = People(channel, "").users.UploadUserImage(slow(), metadata=ann.bearer)
        if ends:
            with refused("DEADLINE_EXCEEDED"):
                await uploaded
        else:
            assert await uploaded


@pytest.mark.requirement(60)
async def test_a_user_has_two_uploads_at_a_time(calling, people, ann, monkeypatch):
    go_on, taking, place = asyncio.Event(), [], PicturePool.place

    def noted(pool, user_id):
        taking.append(user_id)
        return place(pool, user_id)

    async def waiting():
        yield an_id(ann)
        yield a_chunk(an_image())
        await go_on.wait()

    async def both_have_a_place():
        return len(taking) == 2

    monkeypatch.setattr(PicturePool, "place", noted)
    both = [asyncio.ensure_future(calling(waiting(), metadata=ann.bearer)) for _ in range(2)]
    await until(both_have_a_place)

    with refused("IMAGES_BUSY", grpc.StatusCode.RESOURCE_EXHAUSTED):
        await upload(people, ann, an_image())
    bob = await people.signed_in()
    assert await upload(people, bob, an_image())
    go_on.set()
    urls = {(await each).image_url for each in both}

    assert len(urls) == 2
    assert await upload(people, ann, an_image())


@pytest.mark.requirement(9)
async def test_every_upload_has_its_line_in_the_log(calling, ann, caplog):
    caplog.set_level(logging.INFO)
    await calling(pieces_of(ann.id, an_image()), metadata=[*ann.bearer, ("x-request-id", "of-the-first")])
    with refused("IMAGE_REFUSED"):
        second = [*ann.bearer, ("x-request-id", "of-the-second")]
        await answer_to(calling(pieces_of(ann.id, b"<svg/>"), metadata=second))

    lines = {r.request_id: r for r in caplog.records if getattr(r, "request_id", "").startswith("of-the-")}

    assert lines["of-the-first"].rpc == "gatepost.v1.UsersService/UploadUserImage"
    assert [lines[f"of-the-{which}"].code for which in ("first", "second")] == ["OK", "INVALID_ARGUMENT"]
    assert lines["of-the-second"].user_id == ann.id


@pytest.mark.requirement(12)
async def test_the_image_is_changed_by_an_upload_alone(people, ann):
    request = users_service_pb2.UpdateUserRequest(id=ann.id)
    request.user.image = "https://example.org/me.png"

    with refused("FIELD_NOT_UPDATABLE"):
        await people.users.UpdateUser(request, metadata=ann.bearer)
