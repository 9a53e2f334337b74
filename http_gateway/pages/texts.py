"""What the pages say, in each language that they speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageTexts:
    """What one page says."""

    title: str
    lead: str
    button: str
    done_title: str
    done: str


@dataclass(frozen=True, slots=True)
class Texts:
    """All that the pages say in one language."""

    reset_password: PageTexts
    verify_email: PageTexts
    confirm_email: PageTexts
    new_password: str
    new_password_hint: str
    repeated: str
    error_prefix: str
    """Before the title of a page that reports a fault: the first thing that a screen reader says of it."""
    link_title: str
    """Over what is said of a link that does not work."""
    link_incomplete: str
    link_dead: str
    address_taken: str
    password_missing: str
    password_too_short: str
    """`{least}` is how many characters it must have."""
    passwords_differ: str
    password_rules: Mapping[str, str]
    """By the rule that a refusal names."""
    password_refused: str
    """Of a rule that has no text here."""
    not_own_form: str
    try_again: str
    broken: str
