"""Language tags, and which one stands in for another."""

from __future__ import annotations

import re

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
LONGEST_TAG = 35
"""What must be held of a tag at the least (RFC 5646, section 4.4.1)."""


def is_locale(text: str) -> bool:
    """Whether the text has the form of a language tag (BCP 47); that the language exists is not looked at."""
    return len(text) <= LONGEST_TAG and _TAG.fullmatch(text) is not None


def fallbacks_of(tag: str) -> list[str]:
    """The tag in lower case, then what stands in for it, the nearest first: fr-CA, fr (RFC 4647, section 3.4)."""
    subtags = tag.lower().split("-")
    found = []
    while subtags:
        # A single letter begins an extension, and means nothing at the end.
        if len(subtags[-1]) > 1:
            found.append("-".join(subtags))
        subtags.pop()
    return found
