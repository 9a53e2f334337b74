"""Which passwords may be set: the same rules wherever one is."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from auth_server.domain.errors import PasswordRefusedError, Violation

LEAST_CHARACTERS = 8  # NIST SP 800-63B-4, 3.1.1.2; OWASP ASVS 5.0, 6.2.1
MOST_CHARACTERS = 256
LEAST_LETTERS_OF_WORD = 2
LEAST_DIGITS_OF_WORD = 4


class PasswordRule(StrEnum):
    """What a refused password breaks, as the refusal names it to programs (`rule` in ErrorInfo's metadata)."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    COMMON = "common"
    LISTED = "listed"
    EMAIL = "email"
    NAME = "name"
    PRODUCT = "product"


_TEXTS = {
    PasswordRule.TOO_SHORT: "the password must have at least {least} characters",
    PasswordRule.TOO_LONG: f"the password must have at most {MOST_CHARACTERS} characters",
    PasswordRule.COMMON: "this password is common or was in a breach, so it is guessed first",
    PasswordRule.LISTED: "this password is not allowed here",
    PasswordRule.EMAIL: "the password must not be made of the email address",
    PasswordRule.NAME: "the password must not be made of the person's name",
    PasswordRule.PRODUCT: "the password must not be made of the name of this service",
}


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """The rules of one deployment: a length, lists of known passwords, and words that anybody would try first.

    No rule asks for kinds of characters, and none looks for words inside of a longer password: the whole of it is
    compared (NIST SP 800-63B-4, 3.1.1.2; OWASP ASVS 5.0, 6.2.4, 6.2.5, 6.2.11, 6.2.12).
    """

    least_characters: int
    product: str
    common: Container[str]
    """Passwords that are common or were in a breach, folded."""
    listed: Container[str]
    """Passwords that this deployment's operator does not want, folded."""

    def check(
        self, password: str, email: str | None = None, name: str | None = None, *, field: str = "new_password"
    ) -> None:
        """Passes where the password may be set; `field` is the path of the request's field that holds it.

        Email and name are those of the user. Without them the other rules are judged alone.

        Raises:
            PasswordRefusedError: the password breaks a rule, which the refusal names.
        """
        rule = self._broken(password, email or "", name or "")
        if rule is not None:
            text = _TEXTS[rule].format(least=self.least_characters)
            raise PasswordRefusedError(rule=rule, violations=(Violation(field, text),))

    def _broken(self, password: str, email: str, name: str) -> PasswordRule | None:
        # As it is hashed: a letter and its accent are one character, however they were typed.
        characters = len(unicodedata.normalize("NFC", password))
        if characters < self.least_characters:
            return PasswordRule.TOO_SHORT
        if characters > MOST_CHARACTERS:
            return PasswordRule.TOO_LONG
        if folded(password) in self.common:
            return PasswordRule.COMMON
        if folded(password) in self.listed:
            return PasswordRule.LISTED
        words = {PasswordRule.EMAIL: email, PasswordRule.NAME: name, PasswordRule.PRODUCT: self.product}
        return _made_of(password, {rule: _words_of(text) for rule, text in words.items()})


def folded(password: str) -> str:
    """The password without the differences that a guesser tries anyway: case and compatibility forms."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", password).casefold())


def _made_of(password: str, words: dict[PasswordRule, frozenset[str]]) -> PasswordRule | None:
    """The rule whose words the password consists of, but for a few digits and signs that do not make it a password.

    Words of several rules may stand in one password; the first of these rules is named.
    """
    left = _plain(password)
    found = set()
    for word in sorted(frozenset().union(*words.values()), key=lambda word: (-len(word), word)):
        if word in left:
            # A space keeps what stood on both sides from becoming a word together.
            left = left.replace(word, " ")
            found.add(word)
    if not found or any(kind == "letters" for kind, _ in _runs(left)):
        return None
    if sum(not character.isspace() for character in left) >= LEAST_CHARACTERS:
        return None
    return next(rule for rule, of_rule in words.items() if found & of_rule)


def _words_of(text: str) -> frozenset[str]:
    """Runs of letters, and of digits that are more than a day or a year's end."""
    least = {"letters": LEAST_LETTERS_OF_WORD, "digits": LEAST_DIGITS_OF_WORD}
    return frozenset(run for kind, run in _runs(_plain(text)) if len(run) >= least.get(kind, len(run) + 1))


def _runs(text: str) -> Iterator[tuple[str, str]]:
    for kind, characters in groupby(text, _kind_of):
        yield kind, "".join(characters)


def _kind_of(character: str) -> str:
    return {"L": "letters", "M": "letters", "N": "digits"}.get(unicodedata.category(character)[0], "signs")


def _plain(text: str) -> str:
    """The text folded and without accents: both spellings of a name are the same word."""
    apart = unicodedata.normalize("NFKD", folded(text))
    return "".join(character for character in apart if unicodedata.category(character) != "Mn")
