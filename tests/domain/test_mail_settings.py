"""Settings of mails, and what of them does not fit together."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from auth_server.mailing import mail_server_of
from auth_server.outside.smtp import Tls
from auth_server.settings import AuthServerSettings
from tests.conftest import key_ring

COMPLETE = {
    "database_url": "postgresql://u@h/d",
    "adapter_secret": "zN4kQx7wPd2vTb9mRc5yHs8gLf3jWe6a",
    "peppers": key_ring("pepper"),
    "sealing_keys": key_ring("seal"),
}


def settings_of(**given):
    return AuthServerSettings(**COMPLETE | given)


def refusal_of(**given):
    with pytest.raises(ValidationError) as refused:
        settings_of(**given)
    return str(refused.value)


@pytest.mark.requirement(15)
def test_links_lead_to_the_front_end_else_to_the_gateway(monkeypatch):
    assert settings_of().links_base is None
    assert settings_of(public_url="https://auth.example.org").links_base == "https://auth.example.org"
    monkeypatch.setenv("DNAME", "https://example.org")
    assert settings_of(public_url="https://auth.example.org").links_base == "https://example.org"


@pytest.mark.requirement(15)
@pytest.mark.parametrize(
    "base",
    ["example.org", "//example.org", "ftp://example.org", "https://", "https://u:p@h", "https://h?x=1", "https://h\n"],
)
def test_a_base_of_links_is_a_scheme_and_a_host(base):
    assert "link_base_url" in refusal_of(link_base_url=base)


@pytest.mark.requirement(15)
@pytest.mark.parametrize("field", ["link_base_url", "public_url"])
def test_links_are_https_in_production_but_on_loopback(field):
    assert f"GATEPOST_{field.upper()} must be https" in refusal_of(**{field: "http://example.org"})
    for good in ({field: "http://127.0.0.1:8080"}, {field: "http://example.org", "environment": "development"}):
        assert settings_of(**good).links_base == good[field]


@pytest.mark.parametrize("path", ["reset?token={token}", "/reset", "/{token}/{token}", "/reset {token}"])
def test_a_links_path_names_the_token_once(path):
    assert "reset_link_path" in refusal_of(reset_link_path=path)


@pytest.mark.parametrize("field", ["reset_link_path", "verify_link_path", "confirm_link_path"])
def test_a_path_of_ones_own_needs_a_front_end_with_that_page(field):
    path = {field: "/account?token={token}"}

    assert "set GATEPOST_LINK_BASE_URL to its address" in refusal_of(**path, public_url="https://auth.example.org")
    assert settings_of(**path, link_base_url="https://example.org").link_base_url


SENT = {
    "mail_url": "smtp://mail.example.org",
    "mail_from": "no-reply@example.org",
    "link_base_url": "https://example.org",
}


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://mail.example.org/inbox",
        "smtp://user@mail.example.org",
        "smtp://mail.example.org:port",
        "folder:mail",
        "folder://host/mail",
    ],
)
def test_mails_go_to_a_mail_server_or_a_folder(url):
    assert "mail_url" in refusal_of(**SENT | {"mail_url": url})


def test_a_mail_servers_password_is_not_shown():
    settings = settings_of(**SENT | {"mail_url": "smtps://user:s3cr3t-w0rd@mail.example.org:2465"})

    assert "s3cr3t-w0rd" not in repr(settings)


@pytest.mark.parametrize(("missing", "told"), [("mail_from", "GATEPOST_MAIL_FROM"), ("link_base_url", "LINK_BASE_URL")])
def test_mails_that_leave_have_a_sender_and_links_that_lead_somewhere(missing, told):
    assert told in refusal_of(**SENT | {missing: None})


def test_no_mail_goes_to_a_folder_in_production():
    given = SENT | {"mail_url": "folder:/tmp/mail"}

    assert "must not be a folder in production" in refusal_of(**given)
    assert settings_of(**given, environment="development").mail_url


@pytest.mark.parametrize(
    ("url", "changes", "port", "tls"),
    [
        ("smtp://mail.example.org", {}, 587, Tls.STARTTLS),
        ("smtp://mail.example.org:2525", {}, 2525, Tls.STARTTLS),
        ("smtp://mail.example.org", {"mail_insecure": True}, 25, Tls.NONE),
        ("smtp://localhost", {}, 25, Tls.NONE),
        ("smtp://127.0.0.1", {"mail_tls_ca": Path("/ca.pem")}, 587, Tls.STARTTLS),
        ("smtps://mail.example.org", {"mail_insecure": True}, 465, Tls.IMPLICIT),
    ],
)
def test_mails_go_by_tls_but_on_loopback_or_where_it_was_said(url, changes, port, tls):
    server = mail_server_of(settings_of(**SENT | changes | {"mail_url": url}))

    assert (server.port, server.tls) == (port, tls)


def test_a_mail_servers_user_and_password_may_hold_any_character():
    server = mail_server_of(
        settings_of(**SENT | {"mail_url": "smtps://me%40example.org:p%3Aw%2Fx9-kQ2@mail.example.org"})
    )

    assert (server.user, server.password) == ("me@example.org", "p:w/x9-kQ2")
