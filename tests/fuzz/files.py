"""Images with bytes changed, sent as forms, whole and broken."""

from __future__ import annotations

import random
from functools import cache

from hypothesis import strategies as st

from tests.images import BOUNDARY, FORM_TYPE, a_form, an_image

KINDS = {"PNG": "RGB", "JPEG": "RGB", "GIF": "P", "WEBP": "RGB"}
MODES = ("1", "L", "LA", "P", "RGBA", "I;16")


@cache
def images() -> list[bytes]:
    """An image of each kind, and PNGs of the rarer modes."""
    return [
        *(an_image(kind, (24, 18), mode) for kind, mode in KINDS.items()),
        *(an_image("PNG", (9, 7), mode) for mode in MODES),
    ]


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """An image of which some bytes are changed, cut out or put in, or what is none."""
    content = bytearray(draw(st.sampled_from(images())))
    places = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(0, 8))):
        at = places.randrange(len(content) + 1)
        content[at : at + places.choice((0, 1, 1, 4))] = places.randbytes(places.choice((0, 1, 1, 4)))
    if draw(st.integers(0, 9)) == 0:
        del content[places.randrange(len(content) + 1) :]
    return bytes(content) if draw(st.integers(0, 9)) else draw(st.binary(max_size=60))


@st.composite
def forms(draw: st.DrawFn) -> tuple[str, bytes]:
    """The type and the bytes of a form with such a file, of which the form may be broken too."""
    form = bytearray(
        a_form(
            draw(files()),
            name=draw(st.sampled_from(["image", "image", "image", "", "x"])),
            head=draw(st.sampled_from(["Content-Type: image/png\r\n", "", "Content-Transfer-Encoding: base64\r\n"])),
        )
    )
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        at = draw(st.integers(0, min(len(form), 150)))
        form[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    odd = ["multipart/form-data", "multipart/form-data; boundary=", f"multipart/mixed; boundary={BOUNDARY}",
           "multipart/form-data; boundary=" + "x" * 71, 'multipart/form-data; boundary="a', ""]  # fmt: skip
    return draw(st.sampled_from([FORM_TYPE] * 9 + odd)), bytes(form)
