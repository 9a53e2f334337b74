"""Images of users: their kinds and names, and what shows that a file is more than an image."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from auth_server.domain.errors import Violation
from auth_server.domain.image_errors import ImageRefusedError

# What images are kept as, and how their names end.
ENDINGS: Mapping[str, str] = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
MEDIA_TYPES: Mapping[str, str] = {ending: media_type for media_type, ending in ENDINGS.items()}
NAME = re.compile(rf"[0-9a-f]{{32}}\.({'|'.join(MEDIA_TYPES)})")

RULES: Mapping[str, str] = {
    "type": "is no JPEG, PNG, WebP or GIF",
    "pixels": "has too many pixels",
    "parts": "is made of too many parts",
    "broken": "cannot be decoded to its end",
    "polyglot": "is a page, a script, a PDF or an archive as well",
}

PDF_WITHIN_BYTES = 1024  # readers take a header that begins there (PDF 32000-1:2008, annex H, note 13)
ZIP_DIRECTORY = b"PK\x01\x02"
ZIP_END = b"PK\x05\x06"
ZIP_END_BYTES = 22
LONGEST_ZIP_COMMENT_BYTES = 65_535
MARKUP = (b"<!doctype", b"<html", b"<script", b"<iframe", b"<?php")
BEHIND_MARKUP = b" \t\r\n\f>/"
CHANCE_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it is kept: of our own making, without anything but what it shows."""

    content: bytes
    media_type: str
    """One of ENDINGS."""


def refusal_by(rule: str) -> ImageRefusedError:
    """The refusal of a file that breaks this one of RULES."""
    return ImageRefusedError(rule=rule, violations=(Violation("chunk", RULES[rule]),))


def new_name(media_type: str) -> str:
    """A name of 128 random bits, which says nothing of the user or of the file (OWASP ASVS 5.0, 5.3.2)."""
    return f"{secrets.token_hex(16)}.{ENDINGS[media_type]}"


def find_media_type(name: str) -> str | None:
    """The media type of the image of this name; None where none can have it."""
    found = NAME.fullmatch(name)
    return MEDIA_TYPES[found[1]] if found else None


def is_polyglot(image: bytes) -> bool:
    """Whether other programs take the image for a page, a script, a PDF or an archive as well.

    Nothing of the file but its pixels is kept, so this is not what makes it harmless; but who sends such a file means
    no good.
    """
    return b"%PDF-" in image[:PDF_WITHIN_BYTES] or _is_markup(image) or _is_archive(image)


def _is_markup(file: bytes) -> bool:
    """Whether a tag stands anywhere in it.

    By plain searches, which take ten milliseconds for ten megabytes; a regular expression takes a second for what is
    written to make it slow.
    """
    small = file.lower()
    for tag in MARKUP:
        at = small.find(tag)
        for _ in range(CHANCE_FINDINGS):
            if at < 0:
                break
            if small[at + len(tag) : at + len(tag) + 1] in BEHIND_MARKUP:
                return True
            at = small.find(tag, at + 1)
        else:
            return True
    return False


def _is_archive(file: bytes) -> bool:
    """Whether a central directory of ZIP stands where its end says (APPNOTE.TXT 6.3.10, section 4.3.16)."""
    lowest = max(0, len(file) - LONGEST_ZIP_COMMENT_BYTES - ZIP_END_BYTES)
    at = file.rfind(ZIP_END, lowest)
    while at >= 0:
        directory_bytes = int.from_bytes(file[at + 12 : at + 16], "little")
        begins_at = at - directory_bytes
        if begins_at >= 0 and file[begins_at : begins_at + 4] in (ZIP_DIRECTORY, ZIP_END):
            return True
        at = file.rfind(ZIP_END, lowest, at)
    return False
