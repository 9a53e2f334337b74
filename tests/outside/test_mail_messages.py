"""Messages: what their headers say, and that nobody can write one of their own."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP, default
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.mails import MailKind
from auth_server.outside.mail import RefusedForGoodError
from auth_server.outside.mail_messages import Envelope, Sender, message_of
from auth_server.outside.mail_templates import MailTemplates, RenderedMail

ID = UUID("01890000-0000-7000-8000-000000000001")
AT = datetime(2030, 1, 1, 12, tzinfo=UTC)
SENDER = Sender.of("Example <no-reply@example.org>")
HEADERS = [
    "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
]  # fmt: skip
TEMPLATES = MailTemplates("Example")


def read(subject="Hello", recipient="ada@example.com", text="Text\n", html="<p>HTML</p>\n"):
    """The message as its recipient's program reads it."""
    made = message_of(RenderedMail(subject, text, html), SENDER, Envelope(ID, recipient, AT))
    return message_from_bytes(made.as_bytes(policy=SMTP), policy=default)


def test_a_message_says_what_it_is():
    message = read()

    assert message.keys() == HEADERS
    assert message["Date"].datetime == AT
    assert message["Message-ID"] == f"<{ID}@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.requirement(53)
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\r\n "])
def test_a_subject_of_two_lines_makes_no_message(ending):
    with pytest.raises(RefusedForGoodError):
        read(subject=f"Hello{ending}Bcc: eve@example.com")


@pytest.mark.requirement(53)
@pytest.mark.parametrize("recipient", ["ada@example.com\r\nBcc: eve@example.com", "ada@example.com, eve@example.com"])
def test_a_recipient_that_is_more_than_a_mailbox_makes_no_message(recipient):
    with pytest.raises(RefusedForGoodError):
        read(recipient=recipient)


@pytest.mark.requirement(53)
@given(name=st.text(max_size=80))
def test_no_name_adds_a_header_or_a_recipient(name):
    values = {"name": name, "link": "https://example.org", "hours": "24"}
    rendered = TEMPLATES.rendered(MailKind.VERIFY_EMAIL, None, values)

    message = read(rendered.subject, text=rendered.text, html=rendered.html)

    assert message.keys() == HEADERS
    assert message["To"] == "ada@example.com"
    assert not any(part.defects for part in message.walk())


@pytest.mark.requirement(53)
@given(subject=st.text(max_size=200).map(lambda text: "".join(letter for letter in text if letter.isprintable())))
def test_any_subject_of_one_line_stays_one_header(subject):
    message = read(subject=subject)

    assert message.keys() == HEADERS


def test_a_long_line_beyond_ascii_arrives_whole():
    text = "é" * 2000 + "\n.\nend\n"

    assert read(text=text).get_body(("plain",)).get_content().splitlines() == text.splitlines()


@pytest.mark.parametrize("text", ["", "Example", "a@b, c@d", "Example <a@b>\r\nBcc: c@d", "Example <@example.org>"])
def test_a_sender_is_one_mailbox(text):
    with pytest.raises(ValueError, match="it must be an address"):
        Sender.of(text)


def test_a_senders_domain_is_ascii():
    assert Sender.of("no-reply@bücher.example").domain == "xn--bcher-kva.example"
