"""Uploads by the client's stubs, to a real Gatepost."""

from __future__ import annotations

import pytest

from gatepost_client import GatepostError
from gatepost_client.contract.images_service_pb2 import GetImageRequest
from gatepost_client.contract.users_service_pb2 import UploadUserImageRequest
from tests.images import an_image


def pieces_of(user, file):
    yield UploadUserImageRequest(id=user.id)
    yield UploadUserImageRequest(chunk=file)


async def test_an_image_is_uploaded_and_got(people, client):
    ann = await people.signed_in()

    answer = await client.users.UploadUserImage(pieces_of(ann, an_image("WEBP")), metadata=ann.bearer)

    name = answer.image_url.rpartition("/")[2]
    assert (await client.images.GetImage(GetImageRequest(name=name))).media_type == "image/webp"


async def test_a_refused_upload_has_its_reason(people, client):
    ann = await people.signed_in()

    with pytest.raises(GatepostError) as refusal:
        await client.users.UploadUserImage(pieces_of(ann, b"<svg/>"), metadata=ann.bearer)

    assert refusal.value.reason == "IMAGE_REFUSED"


async def test_a_file_is_written_piece_by_piece(people, client):
    ann = await people.signed_in()

    call = client.users.UploadUserImage(metadata=ann.bearer)
    for piece in pieces_of(ann, an_image()):
        await call.write(piece)
    await call.done_writing()

    assert (await call).image_url
