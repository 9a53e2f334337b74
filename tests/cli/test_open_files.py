"""How many files a process may have open."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from gatepost_cli.open_files import OWN_FILES, make_room
from tests.cli.serving import serving_anew, told_by

FILES = resource.RLIMIT_NOFILE


@contextmanager
def allowed(number: int) -> Iterator[int]:
    """The most that may be asked for, while no more than this number is allowed."""
    soft, hard = resource.getrlimit(FILES)
    resource.setrlimit(FILES, (number, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(FILES, (soft, hard))


@pytest.mark.requirement(5)
def test_a_server_may_open_as_many_connections_as_it_takes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    target = {"GATEPOST_AUTH_TARGET": "127.0.0.1:1", "GATEPOST_AUTH_INSECURE": "true", "GATEPOST_HTTP_PORT": "0"}
    with allowed(512), serving_anew("gateway", log, GATEPOST_HTTP_CONNECTIONS="700", **target) as process:
        told_by(log, "http_url")

        assert psutil.Process(process.pid).rlimit(FILES)[0] == 700 + OWN_FILES


def test_what_is_allowed_already_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    with allowed(1024):
        make_room(500)

        assert resource.getrlimit(FILES)[0] == 1024
    assert not caplog.records


def test_a_system_that_allows_less_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with allowed(1024) as most:
        make_room(most)

        assert resource.getrlimit(FILES)[0] == most
    [line] = caplog.records
    assert (line.message, line.__dict__["open_files"]) == ("fewer connections than are set", most)
