"""Mails over SMTP, to a real server."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import pytest

from auth_server.outside.mail import MailRefusedError, RefusedForGoodError, RefusedForNowError, TransportAwayError
from auth_server.outside.mail_messages import Envelope, Sender, message_of
from auth_server.outside.mail_templates import RenderedMail
from auth_server.outside.smtp import MailServer as Address
from auth_server.outside.smtp import SmtpTransport, Tls
from tests.certificates import Authority
from tests.smtp import PASSWORD, USER, MailServer, mail_server, only_user, tls_context


def a_message(recipient: str = "ada@example.org") -> EmailMessage:
    rendered = RenderedMail("Subject", "Text\n", "<p>HTML</p>\n")
    envelope = Envelope(UUID(int=7), recipient, datetime(2030, 1, 1, tzinfo=UTC))
    return message_of(rendered, Sender("Gatepost", "no-reply@example.org"), envelope)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture
async def transport(server: MailServer) -> AsyncIterator[SmtpTransport]:
    transport = SmtpTransport(Address("127.0.0.1", server.port, Tls.NONE))
    yield transport
    await transport.close()


async def refusal_of(transport: SmtpTransport, recipient: str = "ada@example.org") -> MailRefusedError:
    with pytest.raises(MailRefusedError) as refused:
        await transport.send(a_message(recipient))
    return refused.value


async def test_a_mail_arrives_as_it_was_sent(server: MailServer, transport: SmtpTransport) -> None:
    await transport.send(a_message())

    [mail] = server.taken
    assert mail["From"] == "Gatepost <no-reply@example.org>"
    assert mail["To"] == "ada@example.org"
    assert mail["Message-ID"] == "<00000000-0000-0000-0000-000000000007@example.org>"
    assert mail.get_body(("plain",)).get_content().strip() == "Text"  # type: ignore[union-attr]
    assert server.sessions == [{"tls": False, "user": None, "to": ["ada@example.org"]}]


@pytest.mark.parametrize(
    ("where", "answer", "expected"),
    [
        ("refuse_recipient", "550 5.1.1 no such mailbox", RefusedForGoodError),
        ("refuse_recipient", "450 4.2.1 come back later", RefusedForNowError),
        ("refuse_data", "554 5.7.1 spam", RefusedForGoodError),
        ("refuse_data", "452 4.3.1 the disk is full", RefusedForNowError),
        ("refuse_sender", "550 5.7.1 who are you", TransportAwayError),
        ("refuse_sender", "451 4.7.1 too many mails", TransportAwayError),
    ],
)
async def test_a_refusal_tells_whether_trying_again_is_of_use(
    server: MailServer, transport: SmtpTransport, where: str, answer: str, expected: type[MailRefusedError]
) -> None:
    setattr(server, where, [answer])

    refusal = await refusal_of(transport)

    assert type(refusal) is expected
    assert str(refusal) == answer
    await transport.send(a_message())
    assert len(server.taken) == 1


@pytest.mark.parametrize("where", ["drop_before_data", "drop_after_data"])
async def test_a_session_that_breaks_off_leaves_the_mail_to_another_try(
    server: MailServer, transport: SmtpTransport, where: str
) -> None:
    setattr(server, where, 1)

    assert type(await refusal_of(transport)) is RefusedForNowError
    await transport.send(a_message())

    assert len(set(server.ids)) == 1


async def test_a_server_that_is_down_is_away_until_it_is_back(server: MailServer, transport: SmtpTransport) -> None:
    await transport.send(a_message())
    await server.stop()
    assert type(await refusal_of(transport)) is TransportAwayError
    await server.start()

    await transport.send(a_message())

    assert len(server.taken) == 2


async def test_an_address_beyond_ascii_is_refused_for_good_where_the_server_cannot_take_it(
    server: MailServer, transport: SmtpTransport
) -> None:
    assert type(await refusal_of(transport, "zoë@example.org")) is RefusedForGoodError
    await transport.send(a_message("ada@bücher.example"))

    assert server.sessions[0]["to"] == ["ada@xn--bcher-kva.example"]


async def test_an_address_beyond_ascii_arrives_where_the_server_can_take_it() -> None:
    async with mail_server(enable_SMTPUTF8=True) as server:
        transport = SmtpTransport(Address("127.0.0.1", server.port, Tls.NONE))
        await transport.send(a_message("zoë@example.org"))
        await transport.close()

    assert server.sessions[0]["to"] == ["zoë@example.org"]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def ca(authority: Authority, tmp_path: Path) -> Path:
    return authority.write(tmp_path / "ca.pem")


async def test_mails_and_the_password_go_by_starttls(authority: Authority, ca: Path, tmp_path: Path) -> None:
    context = tls_context(authority, tmp_path, "localhost")
    options = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": only_user}
    async with mail_server(**options) as server:
        given = Address("localhost", server.port, Tls.STARTTLS, USER, PASSWORD, ca)
        transport = SmtpTransport(given)
        await transport.send(a_message())
        await transport.close()

        wrong = SmtpTransport(Address("localhost", server.port, Tls.STARTTLS, USER, "wrong", ca))
        refusal = await refusal_of(wrong)

    assert server.sessions == [{"tls": True, "user": USER, "to": ["ada@example.org"]}]
    assert PASSWORD not in repr(given)
    assert type(refusal) is TransportAwayError
    assert str(refusal).startswith("535")


async def test_mails_go_by_tls_from_the_start(authority: Authority, ca: Path, tmp_path: Path) -> None:
    server = MailServer()
    server.implicit_tls = tls_context(authority, tmp_path, "localhost")
    await server.start()
    transport = SmtpTransport(Address("localhost", server.port, Tls.IMPLICIT, ca=ca))
    await transport.send(a_message())
    await transport.close()
    await server.stop()

    assert len(server.taken) == 1


async def test_no_mail_goes_to_a_server_without_starttls_or_with_anothers_certificate(
    authority: Authority, ca: Path, tmp_path: Path
) -> None:
    async with mail_server() as plain:
        refusal = await refusal_of(SmtpTransport(Address("localhost", plain.port, Tls.STARTTLS, ca=ca)))
    assert type(refusal) is TransportAwayError
    assert "STARTTLS" in str(refusal)

    stranger = Authority()
    certificates = [(stranger, "localhost"), (authority, "other.example.org")]
    for issuer, name in certificates:
        async with mail_server(tls_context=tls_context(issuer, tmp_path, name)) as server:
            refusal = await refusal_of(SmtpTransport(Address("localhost", server.port, Tls.STARTTLS, ca=ca)))
        assert type(refusal) is TransportAwayError
        assert not server.taken


def test_a_file_of_authorities_that_holds_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for path in (tmp_path / "empty.pem", tmp_path / "missing.pem"):
        with pytest.raises((ssl.SSLError, FileNotFoundError)):
            SmtpTransport(Address("localhost", 1, Tls.IMPLICIT, ca=path))
