"""Settings of mails, and what of them does not fit together."""

import pytest
from pydantic import ValidationError

from auth_server.settings import AuthServerSettings
from tests.conftest import key_ring

COMPLETE = {
    "database_url": "postgresql://u@h/d",
    "adapter_secret": "0123456789abcdefghijklmnopqrstuv",
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
