"""Files of very many parts, each of which costs a decoder a little, and which no encoder writes."""

import struct
import zlib

import pytest

from auth_server.domain.image_errors import ImageRefusedError
from auth_server.outside.picture_parts import MOST_EXTRAS, MOST_SCANS
from auth_server.outside.pictures import redrawn
from tests.images import an_image, with_chunks

MOST_PIXELS = 24_000_000
A_COMMENT = b"\xff\xfe\x00\x04\xff\xd9"  # whose text is the mark of an end


def rule_of(file):
    with pytest.raises(ImageRefusedError) as refused:
        redrawn(file, MOST_PIXELS)
    return refused.value.rule


def a_jpeg_of(scans, between=b""):
    """A JPEG of so many scans, the last of which is there again and again."""
    whole = an_image("JPEG", progressive=True)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + (between + last) * (scans - whole.count(b"\xff\xda")) + b"\xff\xd9"


def with_segments(kind, content, count):
    """A JPEG with so many segments of the kind before its picture."""
    whole = an_image("JPEG")
    return whole[:2] + (b"\xff" + kind + struct.pack(">H", len(content) + 2) + content) * count + whole[2:]


@pytest.mark.requirement(60)
def test_a_jpeg_of_very_many_scans_is_refused():
    assert redrawn(a_jpeg_of(MOST_SCANS), MOST_PIXELS)
    assert rule_of(a_jpeg_of(MOST_SCANS + 1)) == "parts"


@pytest.mark.requirement(60)
def test_no_comment_between_scans_passes_for_the_end():
    assert rule_of(a_jpeg_of(MOST_SCANS + 1, A_COMMENT)) == "parts"
    assert rule_of(a_jpeg_of(12, A_COMMENT * 1000)) == "parts"


def test_a_film_behind_a_photograph_has_no_scans():
    assert redrawn(an_image("JPEG") + b"\xff\xda" * 1000, MOST_PIXELS)


@pytest.mark.requirement(60)
@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt", b"iTXt"])
def test_a_png_that_is_unpacked_again_and_again_is_refused(kind):
    # What is unpacked in vain counts for nothing in Pillow's own bound.
    chunk = (kind, b"a\0" + (b"\1\0a\0a\0" if kind == b"iTXt" else b"\0") + zlib.compress(bytes(1000))[:-1])

    assert redrawn(with_chunks(an_image(), chunk, count=MOST_EXTRAS), MOST_PIXELS)
    assert rule_of(with_chunks(an_image(), chunk, count=MOST_EXTRAS + 1)) == "parts"


@pytest.mark.requirement(60)
def test_a_jpeg_whose_metadata_is_put_together_again_and_again_is_refused():
    assert redrawn(with_segments(b"\xe1", b"Exif\0\0a", MOST_EXTRAS), MOST_PIXELS)
    assert rule_of(with_segments(b"\xe1", b"Exif\0\0a", MOST_EXTRAS + 1)) == "parts"


@pytest.mark.requirement(60)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_a_file_of_very_many_small_parts_is_refused(kind):
    def of(count):
        if kind == "JPEG":
            return with_segments(b"\xe4", b"", count)
        if kind == "PNG":
            return with_chunks(an_image(), (b"prVt", b""), count=count)
        head, comma, rest = an_image("GIF").partition(b",\0\0\0\0")
        return head + b"!\xfe\1a\0" * count + comma + rest

    assert redrawn(of(1000), MOST_PIXELS)
    assert rule_of(of(20_000)) == "parts"
