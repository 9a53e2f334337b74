"""Images, and ways to send them, for tests."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

from PIL import Image

from gatepost.v1 import users_service_pb2 as pb
from tests.people import People, SignedIn

BOUNDARY = "----WebKitFormBoundaryx8jO2oVc6SWP3Sad"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
PIECE_BYTES = 50_000


def an_image(kind: str = "PNG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: Any) -> bytes:
    """A file of this kind, with a gradient in it."""
    into = BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(into, kind, **options)
    return into.getvalue()


def a_png_of(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that says that it is so large, with these further chunks, and next to no pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def with_chunks(png: bytes, *chunks: tuple[bytes, bytes], count: int = 1) -> bytes:
    """The PNG with these chunks before its picture, so many times."""
    at = png.index(b"IDAT") - 4
    return png[:at] + b"".join(_chunk(*part) for part in chunks) * count + png[at:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def a_form(file: bytes, name: str = "image", head: str = "Content-Type: image/png\r\n") -> bytes:
    """A form that holds the file, as browsers send it under FORM_TYPE."""
    about = f'Content-Disposition: form-data; name="{name}"; filename="me.png"\r\n{head}'
    return f"--{BOUNDARY}\r\n{about}\r\n".encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


async def pieces_of(user_id: str, file: bytes) -> AsyncIterator[pb.UploadUserImageRequest]:
    """The requests that upload a file."""
    yield pb.UploadUserImageRequest(id=user_id)
    for at in range(0, len(file), PIECE_BYTES):
        yield pb.UploadUserImageRequest(chunk=file[at : at + PIECE_BYTES])


async def upload(people: People, user: SignedIn, file: bytes) -> str:
    """The address of the user's image, uploaded over gRPC."""
    answer = await people.users.UploadUserImage(pieces_of(user.id, file), metadata=user.bearer)
    return str(answer.image_url)


def shown(content: bytes) -> Image.Image:
    """The image, decoded."""
    image = Image.open(BytesIO(content))
    image.load()
    return image
