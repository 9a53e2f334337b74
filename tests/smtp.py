"""A real mail server, which refuses and drops what a test wants it to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult

from tests.certificates import Authority
from tests.waiting import until

USER, PASSWORD = "mailer", "open sesame"


class MailServer:
    """Keeps the mails that it takes; answers otherwise as often as it is told to."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.port = 0
        self.implicit_tls: ssl.SSLContext | None = None
        self.taken: list[EmailMessage] = []
        self.sessions: list[dict[str, Any]] = []
        """What is known of the session of each mail: TLS, user, sender and recipients."""
        self.refuse_sender: list[str] = []
        self.refuse_recipient: list[str] = []
        self.refuse_data: list[str] = []
        """Answers in place of 250, one for each of the next mails."""
        self.drop_before_data = 0
        """How many of the next mails are lost with their connection, unread."""
        self.drop_after_data = 0
        """How many of the next mails are taken, but the 250 is lost with the connection."""
        self.answering = asyncio.Event()
        """Cleared, the server takes mails without saying so."""
        self.answering.set()
        self._server: asyncio.Server | None = None
        self._protocols: list[SMTP] = []

    @property
    def ids(self) -> list[str]:
        """The Message-IDs of the mails, as they came."""
        return [str(mail["Message-ID"]) for mail in self.taken]

    async def start(self) -> None:
        """Listens, on the port that it had before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port, ssl=self.implicit_tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def has_taken(self, number: int) -> None:
        """Waits for so many mails."""

        async def enough() -> bool:
            return len(self.taken) >= number

        await until(enough)

    async def stop(self) -> None:
        """Listens no more, and ends every session."""
        assert self._server
        self._server.close()
        for protocol in self._protocols:
            # One that is closed twice has let go of its connection, and cannot be aborted.
            if protocol.transport and not protocol.transport.is_closing():  # type: ignore[attr-defined]
                protocol.transport.abort()  # type: ignore[attr-defined]
        self._protocols = []
        await self._server.wait_closed()

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if self.refuse_sender:
            return self.refuse_sender.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if self.refuse_recipient:
            return self.refuse_recipient.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse_data:
            return self.refuse_data.pop(0)
        if self.drop_before_data:
            self.drop_before_data -= 1
            return _dropped(server)
        taken = message_from_bytes(envelope.content, policy=default)
        assert isinstance(taken, EmailMessage)
        self.taken.append(taken)
        user = session.auth_data.login.decode() if session.auth_data else None
        self.sessions.append({"tls": session.ssl is not None, "user": user, "to": envelope.rcpt_tos})
        await self.answering.wait()
        if self.drop_after_data:
            self.drop_after_data -= 1
            return _dropped(server)
        return "250 OK"

    def _protocol(self) -> SMTP:
        loop = asyncio.get_running_loop()
        made = SMTP(self, loop=loop, hostname="mail.example.org", **self.options)
        self._protocols.append(made)
        return made


def _dropped(server: SMTP) -> str:
    assert server.transport
    server.transport.abort()  # type: ignore[attr-defined]
    return "250 nobody reads this"


@asynccontextmanager
async def mail_server(**options: Any) -> AsyncIterator[MailServer]:
    """A mail server on any free port."""
    server = MailServer(**options)
    await server.start()
    yield server
    await server.stop()


def tls_context(authority: Authority, folder: Path, *names: str) -> ssl.SSLContext:
    """What a server with a certificate for these names takes."""
    certificate, key = authority.issue(*names).write(folder, "mail")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def only_user(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    """Lets the one user in."""
    is_good = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_good, handled=is_good, auth_data=given)
