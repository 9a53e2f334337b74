"""Settings of passkeys, and what of them does not fit together."""

import pytest

from tests.domain.test_mail_settings import refusal_of, settings_of


@pytest.mark.requirement(32)
def test_pages_of_the_domain_and_below_may_ask():
    origins = "https://example.org, https://app.example.org:8443,https://a.b.example.org"

    settings = settings_of(passkey_rp_id="example.org", passkey_origins=origins)

    assert settings.all_passkey_origins == (
        "https://example.org",
        "https://app.example.org:8443",
        "https://a.b.example.org",
    )
    assert settings_of().all_passkey_origins == ()
    assert settings_of(passkey_rp_id="localhost", passkey_origins="http://localhost:3000").passkey_rp_id == "localhost"


BAD_ORIGINS = {
    "of plaintext": "http://app.example.org",
    "with a slash": "https://app.example.org/",
    "with a path": "https://app.example.org/login",
    "in capitals": "https://App.example.org",
    "with the port that browsers leave out": "https://app.example.org:443",
    "with somebody's name": "https://me@app.example.org",
    "of a port that is none": "https://app.example.org:x",
    "of all hosts": "https://*.example.org",
    "of no host": "https://",
    "of any page": "null",
}


@pytest.mark.requirement(32)
@pytest.mark.parametrize("what", BAD_ORIGINS)
def test_what_no_browser_writes_is_no_origin(what):
    refusal = refusal_of(passkey_rp_id="example.org", passkey_origins=f"https://example.org,{BAD_ORIGINS[what]}")

    assert "passkey_origins" in refusal


@pytest.mark.parametrize(
    "rp_id", ["https://example.org", "example.org:443", "Example.org", "192.0.2.1", "", "a..b", "*"]
)
def test_what_is_no_domain_makes_no_passkeys(rp_id):
    assert "passkey_rp_id" in refusal_of(passkey_rp_id=rp_id, passkey_origins="https://example.org")


@pytest.mark.requirement(32)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"passkey_rp_id": "example.org"}, "GATEPOST_PASSKEY_ORIGINS is missing"),
        ({"passkey_origins": "https://example.org"}, "GATEPOST_PASSKEY_RP_ID is missing"),
        (
            {"passkey_rp_id": "example.org", "passkey_origins": "https://example.org,https://evilexample.org"},
            "names a page beyond GATEPOST_PASSKEY_RP_ID",
        ),
        (
            {"passkey_rp_id": "app.example.org", "passkey_origins": "https://example.org"},
            "names a page beyond GATEPOST_PASSKEY_RP_ID",
        ),
    ],
)
def test_settings_that_do_not_fit_together_stop_the_start(given, said):
    assert said in refusal_of(**given)
