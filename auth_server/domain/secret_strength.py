"""Which secrets nobody drew at random: short ones, patterns, and words that stand in examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

LEAST_CHARACTERS = 32
LEAST_DISTINCT = 12
LEAST_PAIRS = 18
"""Different pairs of neighbours in 32 characters: 29 of random hexadecimal digits, on the average; 16 of the sixteen
digits in a row, twice."""
LEAST_PASSWORD_CHARACTERS = 8
LONG_PASSWORD_CHARACTERS = 20
_PRINTABLE = range(0x20, 0x7F)
# Of a million random texts of 32 characters, not one holds any of these.
_EXAMPLES = ("change", "secret", "passwo", "exampl", "default", "gatepost", "nextauth", "replace", "123456", "qwerty")


def is_weak(secret: str) -> bool:
    """Whether the secret is shorter than 32 characters, or of a kind that chance does not make.

    Not a measure of entropy, which nobody can tell of one value: it finds what people type and copy.
    """
    if len(secret) < LEAST_CHARACTERS or len(set(secret)) < LEAST_DISTINCT:
        return True
    return _is_example(secret) or has_pattern([ord(letter) for letter in secret])


def is_weak_key(key: bytes) -> bool:
    """Whether a key of 32 bytes and more is a text, or of a kind that chance does not make."""
    return len(set(key)) < len(key) // 4 or all(byte in _PRINTABLE for byte in key) or has_pattern(key)


def is_weak_password(password: str, user: str) -> bool:
    """Whether the password of a database or a mail server is one of those that are tried first.

    Those are the short ones, the user's own name, and the words of examples. Such a password is often somebody else's
    choice, so no more is asked of it.
    """
    if len(password) < LEAST_PASSWORD_CHARACTERS or password.lower() == user.lower():
        return True
    return len(password) < LONG_PASSWORD_CHARACTERS and _is_example(password)


def has_pattern(values: Sequence[int]) -> bool:
    """Whether 32 values and more repeat themselves or go up or down by the same step, as in 0123456789 or abcabcabc."""
    steps = Counter(later - earlier for earlier, later in pairwise(values))
    return max(steps.values()) * 2 > len(values) or len(set(pairwise(values))) < LEAST_PAIRS


def _is_example(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _EXAMPLES)
