"""Which names a mail may greet by.

Whoever registers an address chooses the name that goes with it, so that a
greeting could carry a stranger's words, and a link, to anybody's mailbox.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_CHARACTERS = 64
_JOINERS = "\u200c\u200d"  # Persian and Indic names are spelt with them
_DOT = "[.\u3002\uff0e\uff61]"  # all that a browser takes for one in a host name (UTS 46)
# What mail programs make a link of: evil.example, www., mailto:, //host.
_LINK = re.compile(rf"{_DOT}\w{{2}}|[:/\\@<>]|www", re.IGNORECASE)


def greetable(name: str) -> str:
    """The name, or nothing where it is long, holds what is no text, or what a mail program could make a link of."""
    name = " ".join(name.split())
    bare = name.translate({ord(joiner): None for joiner in _JOINERS})
    if len(name) > LONGEST_CHARACTERS or _LINK.search(bare) or any(_is_hidden(character) for character in bare):
        return ""
    return name


def _is_hidden(character: str) -> bool:
    """Control and format characters, such as those that turn the direction of text, and what is assigned to none."""
    return unicodedata.category(character).startswith("C")
