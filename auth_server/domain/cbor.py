"""The shape of CBOR (RFC 8949) that authenticators write, looked at before anything is decoded."""

from __future__ import annotations

MOST_LEVELS = 4  # FIDO's CTAP 2.1, section 8, "message encoding"
_STRINGS, _LISTS, _MAP, _TAG = (2, 3), (4, 5), 5, 6
_LONGEST_ARGUMENT = 27
"""What is beyond it is reserved, or of indefinite length."""
_LONGEST_BYTES = 8192
"""What comes without certificates stays far below: an id of 1,023 bytes, an RSA key of 540, a signature of 512."""


def end_of_item(data: bytes, start: int = 0, levels: int = MOST_LEVELS) -> int:
    """Where the item ends that begins at `start`.

    Only CTAP's canonical form is let through, as far as it keeps a decoder from harm: few levels, definite lengths, and
    no tags, of which decoders make regular expressions, numbers of any length and more. Nor anything of a length that
    no authenticator writes.

    Raises:
        ValueError: it is of another form, or ends too early.
    """
    if len(data) > _LONGEST_BYTES:
        raise ValueError("too long")
    if start >= len(data):
        raise ValueError("ends too early")
    kind, low = data[start] >> 5, data[start] & 31
    if kind == _TAG or low > _LONGEST_ARGUMENT:
        raise ValueError("a tag, or of indefinite length")
    width = 1 << low - 24 if low >= 24 else 0
    at = start + 1 + width
    argument = int.from_bytes(data[start + 1 : at], "big") if width else low
    if kind in _STRINGS:
        at += argument
    elif kind in _LISTS:
        if not levels:
            raise ValueError("nested too deep")
        for _ in range(argument * 2 if kind == _MAP else argument):
            at = end_of_item(data, at, levels - 1)
    if at > len(data):
        raise ValueError("ends too early")
    return at
