"""Bounds of the parts that a file is made of: a small one of very many takes a decoder hours, whatever its pixels."""

from __future__ import annotations

import re
from io import BytesIO

from auth_server.domain.images import refusal_by

MOST_SCANS = 50
"""Of a JPEG. Encoders write 18 at the most; each takes 50 ms where there are 24 million pixels."""
MOST_EXTRAS = 100
"""Of each kind of metadata whose parts Pillow puts together or unpacks, up to a megabyte of each."""
_LEAST_READS = 10_000
_BYTES_A_READ = 256

_EXTRAS = (b"Exif\0\0", b"iCCP", b"zTXt", b"iTXt")
# Not those without a length of their own: stuffed bytes, TEM, restarts and fillers (ITU-T T.81, B.1.1).
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_END = b"\xff\xd9"
_SCAN = b"\xff\xda"


class BoundedFile(BytesIO):
    """A file that is read in a bounded number of turns, of which Pillow takes a few for each part."""

    def __init__(self, file: bytes) -> None:
        """The file, with a turn for every 256 bytes and ten thousand besides."""
        super().__init__(file)
        self._reads_left = _LEAST_READS + len(file) // _BYTES_A_READ

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads on.

        Raises:
            ImageRefusedError: that was too often.
        """
        self._reads_left -= 1
        if self._reads_left < 0:
            raise refusal_by("parts")
        return super().read(size)


def check_extras(file: bytes) -> None:
    """Passes a file without too much metadata.

    Raises:
        ImageRefusedError: it has more than MOST_EXTRAS of a kind.
    """
    if any(file.count(kind) > MOST_EXTRAS for kind in _EXTRAS):
        raise refusal_by("parts")


def check_scans(jpeg: bytes, first_at: int) -> None:
    """Passes a JPEG of a bounded number of scans, of which the first one's data begins there.

    What stands behind its end does not count, as a film that a telephone puts there.

    Raises:
        ImageRefusedError: it has more than MOST_SCANS, or more parts between them than those have.
    """
    scans, at = 1, first_at
    for _ in range(MOST_SCANS * 10):
        found = _MARKER.search(jpeg, at)
        if found is None or found[0] == _END:
            return
        scans += found[0] == _SCAN
        if scans > MOST_SCANS:
            break
        length = int.from_bytes(jpeg[found.end() : found.end() + 2])
        at = found.end() + max(length, 2)
    raise refusal_by("parts")
