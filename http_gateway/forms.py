"""Reads bodies of application/x-www-form-urlencoded, which OAuth's clients send."""

from __future__ import annotations

from http_gateway.problems import RefusedError, Violation
from http_gateway.templates import decoded

MEDIA_TYPE = "application/x-www-form-urlencoded"
SHOWN_NAME_CHARACTERS = 64


def form_of(body: bytes) -> dict[str, str]:
    """The form's fields, as the object that the same body in JSON is.

    A field without a value counts as not sent (RFC 6749, section 3.2).

    Raises:
        RefusedError: a field comes twice.
    """
    fields: dict[str, str] = {}
    for pair in body.decode("utf-8", "surrogateescape").replace("+", " ").split("&"):
        name, _, text = pair.partition("=")
        key = decoded(name)
        if key in fields:
            violation = Violation(key[:SHOWN_NAME_CHARACTERS], "is given twice")
            raise RefusedError("REQUEST_INVALID", "The request is not valid.", violations=[violation])
        if pair:
            fields[key] = decoded(text)
    return {key: text for key, text in fields.items() if text}
