"""Draws images anew, by Pillow: what others send is looked at here alone, and never kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from auth_server.domain.image_errors import ImageRefusedError
from auth_server.domain.images import Picture, is_polyglot, refusal_by
from auth_server.outside.picture_parts import BoundedFile, check_extras, check_scans

LONGEST_SIDE_PIXELS = 1000
"""Of what is kept. In four bytes a pixel, uncompressed, it still fits into the 4 MiB that a gRPC client takes."""

_TAKEN = ("JPEG", "PNG", "GIF", "WEBP")
# What it is kept as: what was lossless stays so. MPO is a JPEG with further ones behind it, as telephones make it.
_KEPT_AS = {"JPEG": "JPEG", "MPO": "JPEG", "PNG": "PNG", "GIF": "PNG", "WEBP": "WEBP"}
_MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 88, "optimize": True, "progressive": True},
    "PNG": {},
    "WEBP": {"quality": 88},
}


def redrawn(file: bytes, most_pixels: int) -> Picture:
    """A copy of the picture that the file shows, upright, with sides of up to LONGEST_SIDE_PIXELS, and nothing else.

    The size is read from the file's head and judged before anything is decoded (OWASP ASVS 5.0, 5.2.6); then all of
    the picture is. Of an animation the copy has the first frame. It takes up to sixteen bytes of memory for each
    pixel of a WebP, and twelve for those of others. A thread that decodes cannot be ended: so the file's parts are
    bounded as well.

    Raises:
        ImageRefusedError: it is no JPEG, PNG, WebP or GIF, has too many pixels or parts, cannot be decoded, or is
            something else as well.
    """
    check_extras(file)
    parts = BoundedFile(file)
    with _refusing(), Image.open(parts, formats=_TAKEN) as image:
        if image.width * image.height > most_pixels:
            raise refusal_by("pixels")
        if is_polyglot(file):
            raise refusal_by("polyglot")
        kept_as = _KEPT_AS[str(image.format)]
        if kept_as == "JPEG":
            check_scans(file, parts.tell())
        bare = _bare(image)
    into = BytesIO()
    bare.save(into, kept_as, **_OPTIONS[kept_as])
    return Picture(into.getvalue(), _MEDIA_TYPES[kept_as])


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever ends Pillow's reading is the file's fault: of broken files it raises nearly any kind of error."""
    try:
        yield
    except ImageRefusedError:
        raise
    except UnidentifiedImageError as error:
        raise refusal_by("type") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise refusal_by("pixels") from error
    except Exception as error:
        raise refusal_by("broken") from error


def _bare(image: Image.Image) -> Image.Image:
    """The picture in new pixels, that bring along none of what the file says of it."""
    image.draft(None, (LONGEST_SIDE_PIXELS * 2, LONGEST_SIDE_PIXELS * 2))  # of a large JPEG, a part of the work
    image.load()
    shown: Image.Image = image
    if shown.mode.startswith("I"):  # sixteen bits of grey, of which converting would keep the wrong eight
        shown = shown.point(lambda value: value * (1 / 256)).convert("L")
    elif shown.mode not in ("L", "RGB", "RGBA"):
        shown = shown.convert("RGBA" if shown.has_transparency_data else "RGB")
    shown.thumbnail((LONGEST_SIDE_PIXELS, LONGEST_SIDE_PIXELS))
    # From here on it is small.
    ImageOps.exif_transpose(shown, in_place=True)
    shown = shown.convert("RGBA" if shown.has_transparency_data else "RGB")
    bare = Image.new(shown.mode, shown.size)
    bare.paste(shown)
    return bare
