"""Which pages may ask for the passkeys of a `gatepost up`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from auth_server.settings import AuthServerSettings
from gatepost_cli.installation import Installation
from gatepost_cli.up import auth_settings

SettingsAt = Callable[[str], AuthServerSettings]


@pytest.fixture
def settings_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SettingsAt:
    """The settings of a `gatepost up` whose gateway is at this URL."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    installation = Installation(tmp_path)
    return lambda http_url: auth_settings(installation, None, None, http_url)


@pytest.mark.parametrize(
    ("http_url", "gateway"),
    [
        ("http://127.0.0.1:8080", "http://localhost:8080"),
        ("http://127.0.0.1:80", "http://localhost"),
        ("http://[::1]:9000", "http://localhost:9000"),
    ],
)
def test_pages_on_this_machine_may_ask(settings_at: SettingsAt, http_url: str, gateway: str) -> None:
    settings = settings_at(http_url)

    assert settings.passkey_rp_id == "localhost"
    assert settings.all_passkey_origins == (gateway, "http://localhost:3000")


def test_what_was_set_is_kept(settings_at: SettingsAt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPOST_PASSKEY_RP_ID", "example.org")
    monkeypatch.setenv("GATEPOST_PASSKEY_ORIGINS", "https://app.example.org")

    settings = settings_at("http://127.0.0.1:8080")

    assert (settings.passkey_rp_id, settings.all_passkey_origins) == ("example.org", ("https://app.example.org",))
