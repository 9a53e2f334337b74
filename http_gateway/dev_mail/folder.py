"""The folder that mails are written to in place of being sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

SHOWN = 200
"""So many mails the list shows, the newest."""
_SUFFIX = ".eml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}")


@dataclass(frozen=True, slots=True)
class Heading:
    """What the list says of a mail."""

    name: str
    """The file's name, without its ending."""
    sent: datetime | None
    """By its Date header, in UTC."""
    recipient: str
    subject: str


@dataclass(frozen=True, slots=True)
class ReadMail:
    """A mail as it was written."""

    heading: Heading
    sender: str
    text: str
    html: str | None
    source: bytes


def newest_in(folder: Path) -> tuple[list[Heading], int]:
    """The newest mails, the newest first, and how many there are in all."""
    names = sorted((path.stem for path in folder.glob(f"*{_SUFFIX}") if _NAME.fullmatch(path.stem)), reverse=True)
    sources = ((name, _source_of(folder, name)) for name in names[:SHOWN])
    # One may go between the two looks at the folder.
    headings = [_heading(name, _parsed(source, headers_only=True)) for name, source in sources if source is not None]
    return headings, len(names)


def find_in(folder: Path, name: str) -> ReadMail | None:
    """The mail of this name, if the folder has it; a name is never a path."""
    source = _source_of(folder, name) if _NAME.fullmatch(name) else None
    if source is None:
        return None
    message = _parsed(source)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return ReadMail(
        heading=_heading(name, message),
        sender=str(message["From"] or ""),
        text=text.get_content() if text else "",
        html=html.get_content() if html else None,
        source=source,
    )


def _source_of(folder: Path, name: str) -> bytes | None:
    try:
        return (folder / f"{name}{_SUFFIX}").read_bytes()
    except FileNotFoundError:
        return None


def _parsed(source: bytes, *, headers_only: bool = False) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(source, headersonly=headers_only)


def _heading(name: str, message: EmailMessage) -> Heading:
    return Heading(
        name=name,
        sent=_utc(getattr(message["Date"], "datetime", None)),
        recipient=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
    )


def _utc(moment: datetime | None) -> datetime | None:
    """The moment in UTC, which is what a Date without a zone is in (RFC 5322, section 3.3: `-0000`)."""
    if moment is None or moment.tzinfo is None:
        return moment and moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)
