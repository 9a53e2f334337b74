"""Finds what is left of a secret in a text, in whatever way it was written there."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

PIECE_BYTES = 10


def traces_of(secrets: Iterable[bytes], text: bytes) -> list[bytes]:
    """The secrets of which at least a third stands in the text, in clear or in a common encoding."""
    return [secret for secret in secrets if any(form in text for form in {*_forms_of(secret)})]


def _forms_of(secret: bytes) -> Iterator[bytes]:
    third = max(PIECE_BYTES, len(secret) // 3)
    # A text may hold but a part: its beginning, its middle or its end, such as where a log line is cut short.
    for start in (0, third, max(0, len(secret) - third)):
        yield from _encodings_of(secret[start : start + third])


def _encodings_of(piece: bytes) -> Iterator[bytes]:
    if len(piece) < PIECE_BYTES:
        return
    yield piece
    yield piece.hex().encode()
    yield piece.hex().upper().encode()
    yield from _base64_of(piece)
    yield repr(piece)[2:-1].encode()
    yield _octal_of(piece, rb"\%03o")
    yield _octal_of(piece, rb"\\%03o")


def _base64_of(piece: bytes) -> Iterator[bytes]:
    """What is the same in the base64 of any text around the piece: it may begin at any of three places."""
    for ahead in range(3):
        encoded = base64.b64encode(bytes(ahead) + piece)
        first = -(-ahead * 8 // 6)
        last = (ahead + len(piece)) * 8 // 6
        yield encoded[first:last]
        yield encoded[first:last].replace(b"+", b"-").replace(b"/", b"_")


def _octal_of(piece: bytes, unprintable: bytes) -> bytes:
    """As PostgreSQL writes bytea in its escape format, with one backslash or, in COPY, with two."""
    backslash = unprintable[: unprintable.index(b"%")] * 2
    written = {92: backslash}
    return b"".join(written.get(byte, bytes([byte])) if 32 <= byte < 127 else unprintable % byte for byte in piece)
