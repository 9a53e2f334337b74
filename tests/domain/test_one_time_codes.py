"""One-time codes: the standard's numbers, and which are good when."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from auth_server.domain.one_time_codes import (
    SECRET_BYTES,
    STEP_SECONDS,
    code_of,
    find_code,
    find_step,
    new_secret,
    step_of,
    text_of,
    uri_of,
)

NOW = datetime(2026, 5, 1, 12, 0, 15, tzinfo=UTC)
RFC_SECRET = b"12345678901234567890"


@pytest.mark.requirement(30)
@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_rfc_6238(seconds, code):
    moment = datetime.fromtimestamp(seconds, UTC)

    assert code_of(RFC_SECRET, step_of(moment)) == code  # the last six of appendix B's eight digits
    assert find_step(RFC_SECRET, code, moment) == seconds // STEP_SECONDS


@pytest.mark.requirement(30)
def test_a_code_is_good_in_its_step_the_one_before_and_the_next_one_alone():
    step = step_of(NOW)

    found = [find_step(RFC_SECRET, code_of(RFC_SECRET, step + away), NOW) for away in range(-3, 4)]

    assert found == [None, None, step - 1, step, step + 1, None, None]


def test_a_secret_is_what_rfc_4226_recommends_and_new_each_time():
    secrets = {new_secret() for _ in range(20)}

    assert len(secrets) == 20
    assert {len(secret) for secret in secrets} == {SECRET_BYTES} == {20}
    assert all(len(text_of(secret)) == 32 for secret in secrets)


@pytest.mark.parametrize(("typed", "code"), [("012345", "012345"), (" 012 345\n", "012345"), ("012-345", "012345")])
def test_a_code_may_be_typed_as_apps_show_it(typed, code):
    assert find_code(typed) == code


@pytest.mark.parametrize(
    "typed",
    ["", "12345", "1234567", "12345a", "\u0660\u0661\u0662\u0663\u0664\u0665", "\uff11\uff12\uff13\uff14\uff15\uff16"],
)
def test_what_is_no_code_is_none(typed):
    assert find_code(typed) is None


def test_the_uri_brings_an_app_all_it_needs_whatever_the_names():
    uri = uri_of(RFC_SECRET, "Ann's Shop: 1+1&co", "ann+x/y@example.org")

    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path.count(":") == 1
    assert unquote(parts.path) == "/Ann's Shop: 1+1&co:ann+x/y@example.org"
    assert "+" not in uri  # which some apps show instead of a space
    assert parse_qs(parts.query, strict_parsing=True) == {
        "secret": [text_of(RFC_SECRET)],
        "issuer": ["Ann's Shop: 1+1&co"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
