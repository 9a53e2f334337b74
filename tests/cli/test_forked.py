"""A forked command is told of as one that was started anew."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import lives, run_apart
from tests.cli.serving import serving, told_by

ALONE = {"GATEPOST_AUTH_TARGET": "127.0.0.1:1", "GATEPOST_AUTH_INSECURE": "true", "GATEPOST_HTTP_PORT": "0"}


def test_its_exit_code_and_both_its_outputs_are_told() -> None:
    said = run_apart("--version")
    refused = run_apart("serve", "gateway", GATEPOST_HTTP_PORT="-1")

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("gatepost ")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "GATEPOST_HTTP_PORT" in refused.stderr


def test_it_has_the_settings_that_it_is_given_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPOST_AUTH_TARGET", "127.0.0.1:1")

    said = run_apart("serve", "gateway", GATEPOST_HTTP_PORT="0")

    assert "127.0.0.1:50051 would be plaintext" in said.stderr


def test_it_lives_until_a_signal_ends_it(tmp_path: Path) -> None:
    with serving("gateway", tmp_path / "log", **ALONE) as process:
        told_by(tmp_path / "log", "http_url")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        before = process.poll()

        process.kill()

        assert (before, process.wait(5), process.poll()) == (None, -signal.SIGKILL, -signal.SIGKILL)
    assert not lives(process.pid)
