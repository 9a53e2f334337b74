"""Whether a form that was sent is one of our own pages'."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def is_own_form(headers: Mapping[str, str]) -> bool:
    """Whether no other site can have made a browser send this form.

    Browsers say it in Sec-Fetch-Site, to https and loopback addresses, and
    those from before 2023 in Origin alone, which is `null` where the page
    forbids referrers. What sends neither is no browser, and so nothing that
    another site could use. The rule is that of Go's CrossOriginProtection
    (net/http) and of the OWASP cheat sheet on CSRF, "Fetch Metadata headers".
    """
    if site := headers.get("Sec-Fetch-Site"):
        return site in ("same-origin", "none")
    if (origin := headers.get("Origin")) is None:
        return True
    host = urlsplit(origin).netloc.lower()
    return host != "" and host == headers.get("Host", "").lower()
