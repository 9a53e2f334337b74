import random
import struct
from io import BytesIO

import pytest
from PIL import Image, features

from auth_server.domain.image_errors import ImageRefusedError
from auth_server.outside.pictures import LONGEST_SIDE_PIXELS, redrawn
from tests.images import a_png_of, an_image, shown

MOST_PIXELS = 24_000_000
SECRET = b"48.8584N 2.2945E"  # where a photograph was taken


def rule_of(file):
    with pytest.raises(ImageRefusedError) as refused:
        redrawn(file, MOST_PIXELS)
    return refused.value.rule


def an_exif(**more):
    """Metadata as cameras write it, with an orientation and a place."""
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right shows it upright
    exif[0x010E] = SECRET.decode()
    return exif.tobytes()


@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    ("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/png"), ("WEBP", "image/webp")]
)
def test_a_picture_is_kept_as_what_suits_it(kind, media_type):
    picture = redrawn(an_image(kind), MOST_PIXELS)

    assert picture.media_type == media_type
    assert f"image/{shown(picture.content).format}".lower() == media_type
    assert shown(picture.content).size == (40, 30)


@pytest.mark.requirement(60)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_not_kept(kind):
    file = an_image(kind, exif=an_exif(), icc_profile=b"profile " + SECRET, xmp=b"<x:xmpmeta>" + SECRET, comment=SECRET)
    assert SECRET in file

    copy = redrawn(file, MOST_PIXELS).content

    assert SECRET not in copy
    assert not shown(copy).getexif()
    assert not {"exif", "icc_profile", "xmp", "comment", "XML:com.adobe.xmp"} & shown(copy).info.keys()


@pytest.mark.requirement(60)
def test_nothing_behind_the_picture_is_kept():
    file = an_image("JPEG") + b"=alert(document.domain);//" * 100

    assert b"alert" not in redrawn(file, MOST_PIXELS).content


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_is_kept_upright(kind):
    upright = shown(redrawn(an_image(kind, (40, 30), exif=an_exif()), MOST_PIXELS).content)

    assert upright.size == (30, 40)
    # The gradient went from dark above to light below; turned to the right, it is light on the left.
    assert upright.convert("L").getpixel((2, 20)) > 200 > 50 > upright.convert("L").getpixel((27, 20))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_large_picture_is_made_smaller(kind):
    copy = shown(redrawn(an_image(kind, (3000, 1500)), MOST_PIXELS).content)

    assert copy.size == (LONGEST_SIDE_PIXELS, LONGEST_SIDE_PIXELS // 2)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_what_is_transparent_stays_so(kind):
    drawn = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    drawn.paste((0, 255, 0, 255), (0, 0, 5, 10))
    into = BytesIO()
    drawn.save(into, kind)

    copy = shown(redrawn(into.getvalue(), MOST_PIXELS).content).convert("RGBA")

    assert copy.getpixel((8, 5))[3] < 10
    assert copy.getpixel((1, 5))[3] > 245


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", "1"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "P"), ("PNG", "I;16"), ("JPEG", "L"), ("JPEG", "CMYK")],
)
def test_pictures_of_every_mode_look_as_they_did(kind, mode):
    copy = shown(redrawn(_sixteen_bits() if mode == "I;16" else an_image(kind, mode=mode), MOST_PIXELS).content)

    above, below = (copy.convert("L").getpixel((20, y)) for y in (1, 28))
    assert above < 60
    assert below > 195


def _sixteen_bits():
    grey = Image.new("I;16", (40, 30))
    for y in range(30):
        for x in range(40):
            grey.putpixel((x, y), y * 65_535 // 29)
    into = BytesIO()
    grey.save(into, "PNG")
    return into.getvalue()


def test_of_an_animation_the_first_frame_is_kept():
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    for kind in ("GIF", "WEBP", "PNG"):
        into = BytesIO()
        frames[0].save(into, kind, save_all=True, append_images=frames[1:], duration=100)

        copy = shown(redrawn(into.getvalue(), MOST_PIXELS).content)

        assert getattr(copy, "n_frames", 1) == 1
        red, green, blue = copy.convert("RGB").getpixel((10, 10))
        assert red > 200
        assert max(green, blue) < 60


@pytest.mark.requirement(60)
def test_a_photograph_with_a_second_one_in_it_is_taken():
    # As telephones send it: Multi-Picture Format, a JPEG with further ones behind it.
    into = BytesIO()
    Image.new("RGB", (20, 20), "red").save(into, "MPO", save_all=True, append_images=[Image.new("RGB", (10, 10))])

    assert redrawn(into.getvalue(), MOST_PIXELS).media_type == "image/jpeg"


@pytest.mark.requirement(60)
@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (12_000, 12_000), (6000, 4001), (2**31 - 1, 1)])
def test_too_many_pixels_are_refused_before_they_are_decoded(width, height):
    assert rule_of(a_png_of(width, height)) == "pixels"


@pytest.mark.requirement(60)
def test_a_webp_that_says_it_is_huge_is_refused():
    size = struct.pack("<I", (16_383 - 1) | (16_383 - 1) << 14)
    chunk = b"VP8L" + struct.pack("<I", 24) + b"\x2f" + size + bytes(19)

    assert rule_of(b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk) == "pixels"


@pytest.mark.requirement(60)
@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "EPS", "PDF", "AVIF", "JPEG2000"])
def test_other_kinds_of_images_are_refused(kind):
    if kind == "AVIF":
        assert features.check("avif")

    assert rule_of(an_image(kind, (32, 32))) == "type"


@pytest.mark.requirement(60)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_file_that_is_broken_anywhere_is_refused_or_drawn_but_fails_nothing(kind):
    whole = an_image(kind, (64, 64), exif=an_exif()) if kind != "GIF" else an_image(kind, (64, 64))
    chance = random.Random(kind)
    rules = []
    for _ in range(150):
        file = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            file[chance.randrange(len(file))] = chance.randrange(256)
        try:
            redrawn(bytes(file[: chance.choice([len(file), chance.randrange(len(file))])]), MOST_PIXELS)
        except ImageRefusedError as error:
            rules.append(error.rule)

    assert len(rules) > 50
    assert set(rules) <= {"type", "pixels", "broken", "polyglot"}
