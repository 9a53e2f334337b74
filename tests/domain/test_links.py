"""Links in mails."""

import pytest

from auth_server.domain.links import Links
from auth_server.domain.mails import MailKind


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (MailKind.RESET_PASSWORD, "https://example.org/app/reset-password?token=ab12"),
        (MailKind.VERIFY_EMAIL, "https://example.org/app/verify-email?token=ab12"),
        (MailKind.CONFIRM_NEW_EMAIL, "https://example.org/app/confirm-email?token=ab12"),
    ],
)
def test_links_lead_to_the_configured_base(kind, link):
    for base in ("https://example.org/app", "https://example.org/app/"):
        assert Links(base).of(kind, "ab12") == link


def test_a_path_may_hold_the_token_anywhere():
    links = Links("https://example.org", reset_path="/reset/{token}?from=mail")

    assert links.of(MailKind.RESET_PASSWORD, "ab12") == "https://example.org/reset/ab12?from=mail"


def test_a_notice_has_no_link():
    with pytest.raises(KeyError):
        Links("https://example.org").of(MailKind.PASSWORD_CHANGED, "ab12")
