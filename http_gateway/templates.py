"""Path templates of the contract: `/literal/{field}/{field=**}`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_SEGMENT = re.compile(r"(?P<literal>[\w.\-~]+)|\{(?P<field>\w+)(?P<rest>=\*\*)?\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A path pattern: literal segments, one-segment fields, and a last field that takes the rest."""

    text: str
    segments: tuple[str | None, ...]
    """The literals in order; None where a field takes one segment."""
    fields: tuple[str, ...]
    """The fields in order, with the one that takes the rest at the end."""
    takes_rest: bool
    """Whether the last field takes all that follows the segments, slashes included."""

    @property
    def shape(self) -> str:
        """The pattern without names: equal shapes match the same paths."""
        parts = ["{}" if segment is None else segment for segment in self.segments]
        return "/".join(["", *parts, *(["**"] if self.takes_rest else [])])


def template_of(text: str) -> PathTemplate:
    """The template that a google.api.http pattern stands for.

    Raises:
        ValueError: it is none of the forms above, or names a field twice.
    """
    segments: list[str | None] = []
    fields: list[str] = []
    takes_rest = False
    for part in text.removeprefix("/").split("/"):
        found = _SEGMENT.fullmatch(part)
        if not text.startswith("/") or found is None or takes_rest or found["field"] in fields:
            raise ValueError(f"unsupported path template {text}")
        if found["field"]:
            fields.append(found["field"])
        takes_rest = bool(found["rest"])
        if not takes_rest:
            segments.append(found["literal"])
    return PathTemplate(text, tuple(segments), tuple(fields), takes_rest)


def decoded(text: str) -> str:
    """The text with its percent-escapes read as UTF-8.

    What is no UTF-8 becomes U+FFFD, as if the client had sent that, so that it
    is looked up like any other value. A plus is a plus: only HTML forms mean a
    space by it.
    """
    if "%" not in text and text.isascii():
        return text
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")
