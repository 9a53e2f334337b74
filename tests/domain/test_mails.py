"""Addresses that mails may go to, and what of them counts for limits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.mails import Allowance, is_deliverable, mailbox_of

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "address",
    ["ada@example.org", "a.b+c@mail.example.org", "root@localhost", "o'neil@example.org", "zoë@bücher.example"],
)
def test_mails_go_to_mailboxes(address):
    assert is_deliverable(address)


@pytest.mark.requirement(53)
@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\n",
        "ada@example.org, eve@example.org",
        "ada@example.org;eve@example.org",
        "<ada@example.org>",
        "Ada <ada@example.org>",
        '"a b"@example.org',
        "ada@[127.0.0.1]",
        "ada(comment)@example.org",
        "ada@exam\u2028ple.org",
        "ada\u202e@example.org",
        "ada@-example.org",
        "a..b@example.org",
        "ada@example.org\0",
        "a" * 250 + "@example.org",
    ],
)
def test_nothing_that_could_be_more_than_one_mailbox_is_mailed(address):
    assert not is_deliverable(address)


@pytest.mark.requirement(53)
@given(st.text())
def test_no_address_that_is_mailed_parts_a_header(text):
    address = f"{text}@example.org"

    assert not is_deliverable(address) or not any(letter in address for letter in '\r\n\0,;<>()" \t')


@pytest.mark.parametrize("spelling", ["Ada.L@GMail.com", "ada.l+1@gmail.com", "adal@googlemail.com"])
def test_spellings_of_one_mailbox_have_one_limit(spelling):
    assert mailbox_of(spelling) == "adal@gmail.com"


def test_a_dot_makes_another_mailbox_but_at_gmail():
    assert mailbox_of("Ada.L+1@Example.org") == "ada.l@example.org"


def test_a_limit_that_is_whole_lets_its_number_pass():
    allowance = Allowance.of(b"subject", 4)

    assert allowance.pace == timedelta(minutes=15)
    assert allowance.latest_whole_at(NOW) == NOW + timedelta(minutes=45)
