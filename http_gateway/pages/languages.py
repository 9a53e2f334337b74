"""Which language a browser's person reads."""

from __future__ import annotations

import re
from collections.abc import Collection

# RFC 9110, sections 5.6.6 and 12.5.4: a language range, and a weight of up to three decimals.
_RANGE = re.compile(
    r"\s*(?P<range>[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q=(?P<weight>[01](?:\.[0-9]{0,3})?)\s*)?"
)
MOST_RANGES = 32


def language_of(accepted: str, known: Collection[str], default: str) -> str:
    """The language of `known` that an Accept-Language header asks for first; the default where it asks for none.

    A range that is not known stands for its shorter ones: fr-CA for fr (RFC 4647, section 3.4).
    """
    parts = accepted.split(",", MOST_RANGES)[:MOST_RANGES]
    weighed = [
        (float(found["weight"] or 1), found["range"].lower()) for part in parts if (found := _RANGE.fullmatch(part))
    ]
    # The sort is stable: among equal weights the first one wins.
    for weight, wanted in sorted(weighed, key=lambda each: -each[0]):
        if weight == 0:
            break
        subtags = wanted.split("-")
        for length in range(len(subtags), 0, -1):
            if (tag := "-".join(subtags[:length])) in known:
                return tag
        if wanted == "*":
            break
    return default
