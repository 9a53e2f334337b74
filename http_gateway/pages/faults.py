"""What a person is told about a refusal, and what is left for them to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from http_gateway.pages.texts import Texts
from http_gateway.problems import RefusedError

TOKEN, PASSWORD, REPEATED = "token", "new_password", "repeated"
MISSING = "is missing"
NOT_OWN_STATUS = 403
"""The status of a form that another site sent."""
_PASSING_STATUSES = frozenset({408, 409, 429, 503, 504})
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the form was not taken."""

    text: str
    field: str = ""
    """The field that it is about; empty where it is about the whole."""
    ends_here: bool = False
    """Whether sending the form again is of no use."""


def fault_of(refusal: RefusedError, texts: Texts) -> Fault:
    """The refusal in the person's words."""
    if at_end := _text_of_end(refusal, texts):
        return Fault(at_end, ends_here=True)
    fields = _fields_of(refusal)
    if REPEATED in fields:
        return Fault(texts.passwords_differ, PASSWORD)  # both are to be filled in anew
    if refusal.reason == "PASSWORD_REFUSED" or PASSWORD in fields:
        return Fault(_password_text(refusal.rule, fields.get(PASSWORD, ""), texts), PASSWORD)
    if refusal.status == NOT_OWN_STATUS:
        return Fault(texts.not_own_form)
    return Fault(texts.try_again if refusal.status in _PASSING_STATUSES else texts.broken)


def _text_of_end(refusal: RefusedError, texts: Texts) -> str:
    """What is said where no other try can help; empty where one can."""
    if refusal.reason == "ONE_TIME_TOKEN_INVALID":
        return texts.link_dead
    if refusal.reason == "EMAIL_TAKEN":
        return texts.address_taken
    return texts.link_incomplete if TOKEN in _fields_of(refusal) else ""


def _fields_of(refusal: RefusedError) -> dict[str, str]:
    return {violation.field: violation.detail for violation in refusal.violations}


def _password_text(rule: str, detail: str, texts: Texts) -> str:
    if not rule and detail == MISSING:
        return texts.password_missing
    if rule == "too_short" and (least := _NUMBER.search(detail)):
        return texts.password_too_short.format(least=least[0])
    return texts.password_rules.get(rule, texts.password_refused)
