"""Forms that another site makes a browser send, and the language that a browser asks for."""

import pytest

from gatepost.v1 import auth_emails_pb2
from http_gateway.pages.languages import language_of

TOKEN = "0123456789abcdef" * 4
TYPE = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def confirm(client, script):
    """Posts the form that verifies an address: whether the RPC was called, and what the page says."""
    script.answers(auth_emails_pb2.VerifyEmailResponse())

    async def post(**headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        host = client.url.removeprefix("http://")
        named = {name: value.replace("OWN", host) for name, value in named.items()}
        return await client("POST", "/verify-email", data=f"token={TOKEN}", headers=TYPE | named)

    return post


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin", "origin": "null"},
        {"sec_fetch_site": "none", "origin": "null"},
        {"origin": "http://OWN"},
        {"origin": "https://OWN"},
        {"origin": "HTTP://OWN"},
        {},
    ],
    ids=str,
)
async def test_a_form_of_our_own_page_is_taken(confirm, script, headers):
    seen = await confirm(**headers)

    assert seen.status == 200
    assert [name for name, _, _ in script.requests] == ["VerifyEmail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site", "origin": "null"},
        {"sec_fetch_site": "cross-site", "origin": "http://OWN"},
        {"sec_fetch_site": "same-site", "origin": "http://OWN"},
        {"sec_fetch_site": "anything else"},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": "http://OWN.evil.example"},
        {"origin": "http://evil.example/OWN"},
        {"origin": "http://OWN@evil.example"},
        {"origin": ""},
    ],
    ids=str,
)
async def test_a_form_of_another_site_does_nothing_until_its_person_sends_it(confirm, script, headers):
    seen = await confirm(**headers)

    assert seen.status == 403
    assert script.requests == []
    assert f'value="{TOKEN}"' in seen.text
    assert "This was not sent from this page" in seen.text
    # The next time an old browser tells its true origin; elsewhere nothing is told as before.
    assert seen.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA", "fr"),
        ("FR-ca-x-more", "fr"),
        ("de, fr;q=0.5", "fr"),
        ("de", "en"),
        ("fr;q=0.1, en;q=0.9", "en"),
        ("en;q=0.2,fr", "fr"),
        ("fr;q=0, en", "en"),
        ("*", "en"),
        ("de, *;q=0.5, fr;q=0.1", "en"),
        ("fr;q=2, fr;q=abc, ;;, \x00", "en"),
        ("frankly", "en"),
        ("x," * 5000 + "fr", "en"),
    ],
)
def test_the_language_is_the_one_that_is_wanted_most(accepted, language):
    assert language_of(accepted, ("en", "fr"), "en") == language


async def test_a_page_speaks_the_browsers_language(client):
    seen = await client("GET", f"/reset-password?token={TOKEN}", headers={"accept-language": "fr-CH, en;q=0.5"})

    assert "Choisissez un nouveau mot de passe" in seen.text
    assert '<html lang="fr">' in seen.text
    assert seen.headers["content-language"] == "fr"
