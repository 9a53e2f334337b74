"""Mails over SMTP (RFC 5321), by TLS unless it was said otherwise."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import Enum, auto
from pathlib import Path

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from auth_server.outside.mail import MailRefusedError, RefusedForGoodError, RefusedForNowError, TransportAwayError

PATIENCE_SECONDS = 20.0
"""How long one command may take; a server that is slower is tried again later."""
FIRST_FOR_GOOD = 500  # RFC 5321, section 4.2.1: 5yz is for good, 4yz for now


class Tls(Enum):
    """How the connection is kept from others' eyes."""

    STARTTLS = auto()
    IMPLICIT = auto()
    NONE = auto()

    @property
    def port(self) -> int:
        """Where servers listen for it: RFC 8314, RFC 6409."""
        return {Tls.STARTTLS: 587, Tls.IMPLICIT: 465, Tls.NONE: 25}[self]


@dataclass(frozen=True, slots=True)
class MailServer:
    """The server that takes the mails on."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    """The authorities in PEM, one of which must have signed the server's certificate; else the system's."""


class SmtpTransport:
    """Hands mails to a mail server; connections are kept for the next mail until it is closed.

    Raises, when it is made:
        OSError: the file of authorities cannot be read; ssl.SSLError where it holds none.
    """

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._context = ssl.create_default_context(cafile=server.ca) if server.tls is not Tls.NONE else None
        self._idle: list[SMTP] = []
        self._own_name: str | None = None

    async def send(self, message: EmailMessage) -> None:
        """Returns once the server has taken the message on (250).

        Raises:
            TransportAwayError: the server cannot be reached, is not who it should be, or takes no mail from us.
            RefusedForGoodError: it refuses this mail with 5yz, or cannot take such an address.
            RefusedForNowError: it refuses with 4yz, or goes away before it has taken the mail on.
        """
        client = await self._connected()
        try:
            with _told(message):
                await client.send_message(message)
        except BaseException:
            client.close()  # what the server makes of the next command is not known
            raise
        self._idle.append(client)

    async def close(self) -> None:
        """Ends the connections that stand; the next mail makes a new one."""
        while self._idle:
            client = self._idle.pop()
            with suppress(SMTPException, OSError):
                await client.quit()
            client.close()

    async def _connected(self) -> SMTP:
        while self._idle:
            client = self._idle.pop()
            with suppress(SMTPException, OSError):
                await client.noop()  # servers end connections that are silent for long
                return client
            client.close()
        return await self._connect()

    async def _connect(self) -> SMTP:
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            local_hostname=self._own_name,
            timeout=PATIENCE_SECONDS,
            use_tls=server.tls is Tls.IMPLICIT,
            start_tls=server.tls is Tls.STARTTLS,
            tls_context=self._context,
        )
        try:
            await client.connect()
        except (SMTPException, OSError, ValueError) as error:
            client.close()
            raise TransportAwayError(_text(error)) from error
        self._own_name = client.local_hostname  # found out once: it asks the domain name system
        return client


@contextmanager
def _told(message: EmailMessage) -> Iterator[None]:
    """Says in our words what became of the mail."""
    try:
        yield
    except SMTPSenderRefused as error:
        # The sender is the same for all mails, but the way to name it depends on whether the recipient is ASCII.
        if str(message["To"]).isascii():
            raise TransportAwayError(_text(error)) from error
        raise _by_code(error) from error
    except SMTPRecipientsRefused as error:
        raise _by_code(error.recipients[0]) from error
    except SMTPResponseException as error:
        raise _by_code(error) from error
    except (SMTPNotSupported, ValueError) as error:
        raise RefusedForGoodError(_text(error)) from error
    except (SMTPException, OSError) as error:
        raise RefusedForNowError(_text(error)) from error


def _by_code(error: SMTPResponseException) -> MailRefusedError:
    refused = RefusedForGoodError if error.code >= FIRST_FOR_GOOD else RefusedForNowError
    return refused(_text(error))


def _text(error: BaseException) -> str:
    """What the server said, or what is wrong with it."""
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
