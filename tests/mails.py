"""Mails in the outbox, as tests put and read them."""

from __future__ import annotations

import re
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from auth_server.app import utc_now
from auth_server.domain.mails import Mail, MailKind
from auth_server.mailing import outbox_of
from auth_server.settings import AuthServerSettings
from auth_server.usecases.mail_worker import MailWorker, Turn
from auth_server.usecases.outbox import row_identity
from tests.smtp import MailServer


def a_mail(recipient: str = "ada@example.org", **fields: Any) -> Mail:
    """A notice to Ada; fields that are given make it another mail."""
    given: dict[str, Any] = {
        "kind": MailKind.PASSWORD_CHANGED,
        "locale": None,
        "user_id": None,
        "values": {"name": "Ada"},
        "expires": None,
    }
    return Mail(recipient=recipient, **given | fields)


def a_link(recipient: str = "ada@example.org", **fields: Any) -> Mail:
    """A mail with a link, by which Ada confirms her new address."""
    given: dict[str, Any] = {"kind": MailKind.CONFIRM_NEW_EMAIL, "values": {"name": "Ada", "token": "ab" * 32}}
    return a_mail(recipient, **given | fields)


async def waiting_mails(sql: asyncpg.Connection, settings: AuthServerSettings) -> list[Mail]:
    """What the outbox holds, opened, the oldest first."""
    seal = outbox_of(settings, utc_now).seal
    rows = await sql.fetch("SELECT id, kind, recipient, locale, user_id, sealed, expires FROM outbox ORDER BY id")
    return [
        Mail(
            kind=MailKind(row["kind"]),
            recipient=row["recipient"],
            locale=row["locale"],
            user_id=UUID(str(row["user_id"])) if row["user_id"] else None,
            values=orjson.loads(seal.open(row["sealed"], row_identity(row["id"], row["recipient"]))),
            expires=row["expires"],
        )
        for row in rows
    ]


def text_of(message: EmailMessage) -> str:
    """The mail's words."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def token_of(message: EmailMessage) -> str:
    """The token in the mail's link."""
    found = re.search(r"token=([0-9a-f]{64})", text_of(message))
    assert found, text_of(message)
    return found[1]


async def sent_to(worker: MailWorker, server: MailServer, address: str) -> list[EmailMessage]:
    """The mails that went to this address by now, once all that are due were sent."""
    while await worker.send_next() is not Turn.NOTHING_DUE:
        pass
    return [mail for mail in server.taken if mail["To"] == address]
