"""The table of settings, and what refusals call them."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth_server.settings import AuthServerSettings
from gatepost_cli.refusals import RefusalError
from gatepost_cli.settings import CommandSettings, default_data_folder, given, read, without_password
from tests.cli.command import refusal_of, run
from tests.cli.serving import SECRET
from tests.conftest import key_ring

COMPLETE = {
    "GATEPOST_DATABASE_URL": "postgresql://me:hunter2-hunter2@127.0.0.1:1/nowhere",
    "GATEPOST_ADAPTER_SECRET": SECRET,
    "GATEPOST_PEPPERS": key_ring("pepper"),
    "GATEPOST_SEALING_KEYS": key_ring("seal"),
}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text("Before.\n<!-- settings -->\nold\n<!-- /settings -->\nAfter.\n")
    return path


def test_the_table_names_settings_of_every_process() -> None:
    table = run("settings").stdout

    for name in ("GATEPOST_DATABASE_URL", "NEXTAUTH_SECRET", "GATEPOST_HTTP_PORT", "GATEPOST_DATA_DIR"):
        assert f"`{name}`" in table


def test_the_table_is_written_between_its_marks_and_then_is_fresh(page: Path) -> None:
    assert "older table" in refusal_of("settings", "--check", str(page))

    assert run("settings", "--write", str(page)).returncode == 0

    assert run("settings", "--check", str(page)).returncode == 0
    text = page.read_text()
    assert text.startswith("Before.\n<!-- settings -->\n")
    assert text.endswith("<!-- /settings -->\nAfter.\n")


def test_a_page_without_marks_is_refused(page: Path) -> None:
    page.write_text("Nothing here.")

    assert "<!-- settings -->" in refusal_of("settings", "--write", str(page))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:word@db:5433/auth?sslmode=require", "me@db:5433/auth"),
        ("postgresql://me@/auth?host=/run/postgresql&password=word", "me@/run/postgresql/auth"),
        ("postgresql://me:word@[oops/auth", "a URL that cannot be read"),
        ("postgresql://db/auth", "db/auth"),
    ],
)
def test_a_databases_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.requirement(41)
@pytest.mark.parametrize("name", COMPLETE)
def test_a_missing_setting_is_named_as_the_environment_does(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for other in COMPLETE.keys() - {name}:
        monkeypatch.setenv(other, COMPLETE[other])

    with pytest.raises(RefusalError, match=f"^{name} is missing"):
        read(AuthServerSettings)


@pytest.mark.requirement(41)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEPOST_ADAPTER_SECRET", ""),
        ("GATEPOST_ADAPTER_SECRET", "hunter2-hunter2"),
        ("GATEPOST_ADAPTER_SECRET", "hunter2\n"),
        ("GATEPOST_PEPPERS", "1:aHVudGVyMg=="),
        ("GATEPOST_SEALING_KEYS", "hunter2"),
        ("GATEPOST_GRPC_PORT", "65536"),
        ("GATEPOST_ENVIRONMENT", "hunter2"),
        ("GATEPOST_ID_TOKEN_ISSUERS", "{hunter2"),
        ("GATEPOST_ID_TOKEN_ISSUERS", '{"google": {"issuer": "hunter2"}}'),
    ],
)
def test_a_wrong_setting_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    for other, right in {**COMPLETE, name: value}.items():
        monkeypatch.setenv(other, right)

    with pytest.raises(RefusalError) as refusal:
        read(AuthServerSettings)

    assert refusal.value.message.startswith(name)
    assert "hunter2" not in refusal.value.message


def test_a_secrets_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for other in COMPLETE.keys() - {"GATEPOST_PEPPERS"}:
        monkeypatch.setenv(other, COMPLETE[other])
    monkeypatch.setenv("GATEPOST_PEPPERS_FILE", "/nonexistent/peppers")

    with pytest.raises(RefusalError, match="/nonexistent/peppers"):
        read(AuthServerSettings)


def test_a_default_stands_only_where_the_environment_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GATEPOST_ADAPTER_SECRET")
    monkeypatch.setenv("NEXTAUTH_SECRET", SECRET[::-1])

    settings = read(AuthServerSettings, {"adapter_secret": SECRET, "reflection": True}, grpc_port=1)

    assert settings.adapter_secret.get_secret_value() == SECRET[::-1]
    assert settings.reflection
    assert settings.grpc_port == 1


@pytest.mark.parametrize(
    ("value", "counts"), [("postgresql://db/auth", True), ("", False)], ids=["with a value", "empty"]
)
def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch, value: str, counts: bool) -> None:
    monkeypatch.setenv("DATABASE_URL", value)

    assert given(AuthServerSettings, "database_url") is counts


def test_an_empty_data_dir_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPOST_DATA_DIR", "")

    assert read(CommandSettings).data_dir == default_data_folder()
