"""Mails as messages (RFC 5322), in which no value can become a header of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses
from uuid import UUID

from auth_server.domain.mails import is_deliverable
from auth_server.outside.mail import RefusedForGoodError
from auth_server.outside.mail_templates import RenderedMail


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails come from."""

    name: str
    address: str

    @classmethod
    def of(cls, text: str) -> Sender:
        """The sender that `Name <address>` or a bare address spells.

        Raises:
            ValueError: no mail can come from it.
        """
        found = getaddresses([text])
        if len(found) != 1 or not text.isprintable() or not is_deliverable(found[0][1]):
            raise ValueError("it must be an address, or a name with an address: Example <no-reply@example.org>")
        return cls(*found[0])

    @property
    def domain(self) -> str:
        """The domain of its address."""
        return _ascii_domain(self.address.rpartition("@")[2])


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a message says beside its words; the same each time it is sent, so that a copy is known as one."""

    id: UUID
    recipient: str
    written_at: datetime


def message_of(rendered: RenderedMail, sender: Sender, envelope: Envelope) -> EmailMessage:
    """The message to be sent.

    Raises:
        RefusedForGoodError: no such message can be; a line break in the subject or an address would be a header.
    """
    if not is_deliverable(envelope.recipient):
        raise RefusedForGoodError("the recipient is no mailbox")
    message = EmailMessage(policy=SMTP)
    try:
        message["Subject"] = rendered.subject
        message["From"] = _address(sender.address, sender.name)
        message["To"] = _address(envelope.recipient)
    except ValueError as error:
        raise RefusedForGoodError(str(error)) from error
    message["Date"] = envelope.written_at
    message["Message-ID"] = f"<{envelope.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers, please
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    return message


def _address(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=_ascii_domain(domain))


def _ascii_domain(domain: str) -> str:
    """As the domain name system spells it (RFC 5890), which every mail server takes."""
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain
