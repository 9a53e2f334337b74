import asyncio

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st

from http_gateway.file_forms import PIECE_BYTES, FileForm, boundary_of
from http_gateway.problems import RefusedError
from tests.images import BOUNDARY, FORM_TYPE, a_form

LIMIT_BYTES = 1_000_000
BETWEEN = f"\r\n--{BOUNDARY}".encode()


async def file_of(*chunks, limit_bytes=LIMIT_BYTES):
    """The pieces of the file in a body that comes in these chunks."""
    loop = asyncio.get_running_loop()
    content = StreamReader(BaseProtocol(loop), 2**22, loop=loop)
    for chunk in chunks:
        content.feed_data(chunk)
    content.feed_eof()
    return [piece async for piece in FileForm(content, BOUNDARY.encode(), "image", limit_bytes).pieces()]


async def refusal_of(body, **more):
    with pytest.raises(RefusedError) as refused:
        await file_of(body, **more)
    return refused.value.reason


@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    "file",
    [b"", b"\r\n", b"a", BETWEEN[:-1], b"\r\n--" * 3, b"x" * (3 * PIECE_BYTES + 1), BETWEEN.replace(b"\r\n", b"\n")],
    ids=range(7),
)
async def test_the_file_comes_whole_in_small_pieces(file):
    pieces = await file_of(a_form(file))

    assert b"".join(pieces) == file
    assert all(0 < len(piece) <= PIECE_BYTES for piece in pieces)


@given(st.binary(max_size=200), st.lists(st.integers(1, 60), max_size=30))
def test_the_file_is_the_same_however_it_comes(file, sizes):
    body = a_form(file)
    chunks, at = [], 0
    for size in sizes:
        chunks.append(body[at : at + size])
        at += size
    chunks.append(body[at:])

    assert b"".join(asyncio.run(file_of(*filter(None, chunks)))) == file


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n" + a_form(b"file"),
        a_form(b"file") + b"an epilogue",
        a_form(b"file").removesuffix(b"\r\n"),
        a_form(b"file").replace(b'name="image"', b"name=image"),
        a_form(b"file").replace(BOUNDARY.encode() + b"\r\n", BOUNDARY.encode() + b" \t\r\n"),
        a_form(b"file").replace(b"Content-Disposition", b"content-disposition"),
        a_form(b"file", head="Content-Transfer-Encoding: Binary\r\n"),
    ],
    ids=range(7),
)
async def test_what_clients_write_otherwise_means_the_same(body):
    assert b"".join(await file_of(body)) == b"file"


@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "HTTP_INVALID"),
        (b"preamble" + a_form(b"file"), "HTTP_INVALID"),
        (b"\r\n\r\n" + a_form(b"file"), "HTTP_INVALID"),
        (a_form(b"file").replace(BOUNDARY.encode() + b"\r\n", BOUNDARY.encode() + b"x\r\n"), "HTTP_INVALID"),
        (a_form(b"file").removesuffix(b"--\r\n"), "HTTP_INVALID"),
        (a_form(b"file", head="X: " + "x" * 5000 + "\r\n"), "HTTP_INVALID"),
        (a_form(b"file").replace(b"form-data", b"attachment"), "REQUEST_INVALID"),
        (a_form(b"file").replace(b'name="image"; ', b""), "REQUEST_INVALID"),
        (a_form(b"file", name="x" * 2000), "REQUEST_INVALID"),
        (a_form(b"file").replace(b'name="image"', b"name*0*=''image; name*="), "REQUEST_INVALID"),
        (a_form(b"file").replace(b'name="image"', b"name*=utf-8''image"), "REQUEST_INVALID"),
        (f"--{BOUNDARY}\r\n\r\nfile\r\n--{BOUNDARY}--\r\n".encode(), "REQUEST_INVALID"),
        (a_form(b"file", head="Content-Transfer-Encoding: base64\r\n"), "MEDIA_TYPE_UNSUPPORTED"),
        (a_form(b"x" * LIMIT_BYTES), "REQUEST_TOO_LARGE"),
    ],
    ids=range(14),
)
async def test_another_body_is_refused(body, reason):
    assert await refusal_of(body) == reason


async def test_a_body_of_just_the_limit_is_taken():
    body = a_form(b"file")

    assert await file_of(body, limit_bytes=len(body)) == [b"file"]
    assert await refusal_of(body, limit_bytes=len(body) - 1) == "REQUEST_TOO_LARGE"


@pytest.mark.parametrize(
    "spelling", [FORM_TYPE, FORM_TYPE.replace(BOUNDARY, f'"{BOUNDARY}"'), FORM_TYPE.title()[:19] + FORM_TYPE[19:]]
)
def test_the_boundary_is_read_as_clients_write_it(spelling):
    assert boundary_of(spelling) == BOUNDARY.encode()


@pytest.mark.parametrize(
    "other",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'x' * 71}",
        "multipart/form-data; boundary=é",
        f"multipart/mixed; boundary={BOUNDARY}",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary*0*=''a; boundary*x=b; boundary*=c",
        "multipart/form-data; boundary*=utf-8''é",
        "multipart/form-data; boundary=a; é\udcff",
    ],
)
def test_another_type_is_refused(other):
    with pytest.raises(RefusedError) as refused:
        boundary_of(other)

    assert refused.value.reason == "MEDIA_TYPE_UNSUPPORTED"
