"""What the page of mails looks like: the list, and one mail with its text, its HTML in a sandbox and its source."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from html import escape

from http_gateway.dev_mail.folder import Heading, ReadMail
from http_gateway.docs.style import STYLE
from http_gateway.headers import headers_for

PATH = "/dev/mail"
REFRESH_SECONDS = 2

_STYLE = (
    STYLE
    + """
iframe { display: block; width: 100%; height: 34rem; resize: vertical; border: 1px solid var(--line);
  border-radius: .4rem; background: #fff; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .8rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
"""
)
_STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PAGE_HEADERS = headers_for(
    "text/html; charset=utf-8",
    Content_Security_Policy=(
        f"default-src 'none'; style-src '{_STYLE_HASH}'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    Cross_Origin_Resource_Policy="same-origin",
)
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
"""What a mail's HTML may do: open a link in another window, which is then as free as any other."""
MAIL_HEADERS = headers_for(
    "text/html; charset=utf-8",
    Content_Security_Policy=(
        f"sandbox {SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    ),
    Cross_Origin_Resource_Policy="same-origin",
)
SOURCE_HEADERS = headers_for("text/plain; charset=utf-8", Cross_Origin_Resource_Policy="same-origin")

_LINK = re.compile(r"https?://[^\s<>\"'\x00-\x20]+[^\s<>\"'.,;:!?)\]\x00-\x20]")
_DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)


def page_of_list(headings: Sequence[Heading], total: int, *, live: bool) -> bytes:
    """The newest mails; a live page asks for itself again and again."""
    head = f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">' if live else ""
    switch = (
        f'New ones show up by themselves. <a href="{PATH}?live=no">Stop that</a>'
        if live
        else f'New ones show up when you reload. <a href="{PATH}">Show them by themselves</a>'
    )
    body = [f"<h1>Mails</h1><p>What would have been sent, had this not been development. {switch}.</p>"]
    body += list(_rows(headings)) if headings else ["<p>There is none yet. Register somebody, and look here again.</p>"]
    if total > len(headings):
        body.append(f'<p class="soft">And {total - len(headings)} older ones.</p>')
    return _page(f"Mails ({total})", head, body)


def page_of_mail(mail: ReadMail) -> bytes:
    """One mail: its headers, its text with links, and its HTML in a frame that may do nothing but open links."""
    heading = mail.heading
    here = f"{PATH}/{heading.name}"
    body = [
        f'<p><a href="{PATH}">All mails</a></p>',
        f"<h1>{escape(heading.subject)}</h1>",
        f"<dl><dt>To</dt><dd>{escape(heading.recipient)}</dd><dt>From</dt><dd>{escape(mail.sender)}</dd>",
        f'<dt>Sent</dt><dd>{_time(heading)} UTC</dd><dt>As it is</dt><dd><a href="{here}/source">source</a></dd></dl>',
        f'<h2 id="text">Text</h2><pre>{_linked(mail.text)}</pre>',
    ]
    if mail.html is not None:
        body.append('<h2 id="html">HTML</h2>')
        body.append(f'<iframe sandbox="{SANDBOX}" src="{here}/html" title="The mail as HTML"></iframe>')
    return _page(heading.subject, "", body)


def page_of_nothing() -> bytes:
    """What is said where there is no such mail."""
    return _page("No such mail", "", [f'<h1>No such mail</h1><p>It is gone. <a href="{PATH}">All mails</a></p>'])


def html_in_sandbox(html: str) -> bytes:
    """The mail's page, whose links open in another window: in the frame, most sites refuse to be shown."""
    doctype = _DOCTYPE.match(html)
    start = doctype.end() if doctype else 0
    # The first base wins (HTML, section 4.2.3), so that the mail's own does not.
    return f'{html[:start]}<base target="_blank">{html[start:]}'.encode("utf-8", "replace")


def _page(title: str, head: str, body: Sequence[str]) -> bytes:
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        *body,
        "</body></html>\n",
    ]
    return "\n".join(lines).encode("utf-8", "replace")


def _rows(headings: Sequence[Heading]) -> Iterator[str]:
    yield '<div class="wide"><table><thead><tr><th scope="col">Sent (UTC)</th><th scope="col">To</th>'
    yield '<th scope="col">Subject</th></tr></thead><tbody>'
    for heading in headings:
        link = f'<a href="{PATH}/{heading.name}">{escape(heading.subject) or "(no subject)"}</a>'
        yield f"<tr><td>{_time(heading)}</td><td>{escape(heading.recipient)}</td><td>{link}</td></tr>"
    yield "</tbody></table></div>"


def _time(heading: Heading) -> str:
    if heading.sent is None:
        return "unknown"
    return f'<time datetime="{heading.sent.isoformat()}">{heading.sent:%Y-%m-%d %H:%M:%S}</time>'


def _linked(text: str) -> str:
    """The text as HTML, its web addresses as links."""
    parts, end = [], 0
    for link in _LINK.finditer(text):
        address = escape(link[0])
        parts += [escape(text[end : link.start()]), f'<a href="{address}">{address}</a>']
        end = link.end()
    return "".join([*parts, escape(text[end:])])
