"""The way out for mails: what every transport does, and how it fails."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Protocol


class MailRefusedError(Exception):
    """A mail was not taken; the text is for operators, and may hold the recipient's address."""


class RefusedForGoodError(MailRefusedError):
    """The mail will never be taken."""


class RefusedForNowError(MailRefusedError):
    """The mail may be taken later."""


class TransportAwayError(RefusedForNowError):
    """No mail is taken at present, whichever it is."""


class MailTransport(Protocol):
    """What takes mails to where they are read, or on to who does."""

    async def send(self, message: EmailMessage) -> None:
        """Returns once the message is another's to deliver.

        Raises:
            RefusedForGoodError: trying again is of no use.
            RefusedForNowError: it may be.
        """

    async def close(self) -> None:
        """Lets go of what it holds."""
