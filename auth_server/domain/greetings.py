"""Which names a mail may greet by.

Whoever registers an address chooses the name that goes with it, so that a
greeting could carry a stranger's words, with a link or a telephone number, to
anybody's mailbox.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_CHARACTERS = 64
MOST_DIGITS = 4
_JOINERS = "\u200c\u200d"  # Persian and Indic names are spelt with them
_DOT = "[.\u3002\uff0e\uff61]"  # all that a browser takes for one in a host name (UTS 46)
# What mail programs make a link of: evil.example, 1.1.1.1, www., mailto:, //host.
_LINK = re.compile(rf"{_DOT}\w{{2}}|{_DOT}\d|[:/\\@<>]|www", re.IGNORECASE)


def greetable(name: str) -> str:
    """The name, or nothing where it is long, or holds what is no text, a link or a telephone number."""
    name = " ".join(name.split())
    bare = name.translate({ord(joiner): None for joiner in _JOINERS})
    if len(name) > LONGEST_CHARACTERS or sum(character.isdigit() for character in bare) > MOST_DIGITS:
        return ""
    if _LINK.search(bare) or any(_is_hidden(character) for character in bare):
        return ""
    return name


def _is_hidden(character: str) -> bool:
    """Control and format characters, such as those that turn the direction of text, and what is assigned to none."""
    return unicodedata.category(character).startswith("C")
