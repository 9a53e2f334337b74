"""The routes of the page of mails, for a browser on the same machine alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from multidict import CIMultiDict

from http_gateway.dev_mail import pages
from http_gateway.dev_mail.folder import ReadMail, find_in, newest_in
from http_gateway.loopback import is_loopback
from http_gateway.problems import Manners, RefusedError
from http_gateway.visits import Route, Visit


def dev_mail_routes(folder: Path) -> list[Route]:
    """The list, a mail, its HTML and its source."""
    return [
        MailList(folder),
        OneMail(folder, "", pages.PAGE_HEADERS, pages.page_of_mail),
        OneMail(folder, "/html", pages.MAIL_HEADERS, lambda mail: pages.html_in_sandbox(mail.html or "")),
        OneMail(folder, "/source", pages.SOURCE_HEADERS, lambda mail: mail.source),
    ]


class MailList:
    """The newest mails."""

    name = f"GET {pages.PATH}"
    manners = Manners()

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def answer(self, visit: Visit) -> web.Response:
        """The list as it is now.

        Raises:
            RefusedError: the request names another host than this machine.
        """
        _check_host(visit)
        headings, total = await asyncio.to_thread(newest_in, self._folder)
        live = parse_qs(visit.query).get("live") != ["no"]
        return _answer(visit, pages.page_of_list(headings, total, live=live), pages.PAGE_HEADERS)


class OneMail:
    """One mail, in one of its forms."""

    manners = Manners()

    def __init__(self, folder: Path, form: str, headers: CIMultiDict[str], shown: Callable[[ReadMail], bytes]) -> None:
        self.name = f"GET {pages.PATH}/{{name}}{form}"
        self._folder = folder
        self._headers = headers
        self._shown = shown

    async def answer(self, visit: Visit) -> web.Response:
        """The mail, or that there is none of this name.

        Raises:
            RefusedError: the request names another host than this machine.
        """
        _check_host(visit)
        mail = await asyncio.to_thread(find_in, self._folder, visit.values[0])
        if mail is None:
            return _answer(visit, pages.page_of_nothing(), pages.PAGE_HEADERS, status=404)
        return _answer(visit, self._shown(mail), self._headers)


def _check_host(visit: Visit) -> None:
    """Refuses names that a stranger's site may have turned to this machine, to read the mails there (DNS rebinding)."""
    try:
        host = urlsplit(f"//{visit.request.headers.get('Host', '')}").hostname
    except ValueError:
        host = None
    if host is None or not is_loopback(host):
        raise RefusedError(
            "ROUTE_NOT_FOUND",
            f"The mails of development are shown on this machine alone: http://localhost{pages.PATH}.",
        )


def _answer(visit: Visit, body: bytes, headers: CIMultiDict[str], *, status: int = 200) -> web.Response:
    response = web.Response(status=status, body=body, headers=headers)
    response.headers["x-request-id"] = visit.request_id
    return response
