"""Values as HTTP headers carry them, in the way that the contract's option `header` describes."""

from __future__ import annotations

from urllib.parse import quote

_AS_IT_IS = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


def header_text(value: str) -> str:
    """The value as a header can carry it and a percent-decoder read it (RFC 3986, 2.1)."""
    text = quote(value, safe=_AS_IT_IS)
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    return "%20" * before + inner + "%20" * (len(text) - before - len(inner))
