"""Folders that the server's own user can reach, and a `gatepost up` shared by tests that only look at it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth_server.settings import AuthServerSettings
from tests.cli.command import QUICK, Up, running_up_anew
from tests.cli.serving import COMPLETE


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a space in its name, which everybody can enter: pytest's own are closed to others."""
    made = Path(tempfile.mkdtemp(prefix="gatepost cli "))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="package")
def up() -> Iterator[Up]:
    """A `gatepost up` with a database of its own."""
    made = Path(tempfile.mkdtemp(prefix="gatepost cli "))
    made.chmod(0o755)
    with running_up_anew(made / "data") as running:
        yield running
    shutil.rmtree(made)


@pytest.fixture
def on_database(settings: AuthServerSettings, db: object) -> dict[str, str]:
    """The settings of one more process on the tests' database, whose signing key the tests' sealing key opens."""
    url, keys = settings.database_url.get_secret_value(), settings.sealing_keys.get_secret_value()
    return {**COMPLETE, **QUICK, "GATEPOST_DATABASE_URL": url, "GATEPOST_SEALING_KEYS": keys}
