"""What becomes of tests that skip, where nothing may be skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import ROOT

pytestmark = pytest.mark.timeout(180)

ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # the others take a second to load
TESTS = """
import os
import pytest

def test_runs():
    pass

def test_skips():
    pytest.skip("no such program")

@pytest.mark.skipif(True, reason="not today")
def test_is_skipped():
    pass

@pytest.mark.xfail(strict=True)
def test_fails_as_expected():
    assert False

@pytest.mark.only_as("root")
def test_root():
    assert os.geteuid() == 0

@pytest.mark.only_as("ordinary user")
def test_ordinary_user():
    assert os.geteuid() != 0
"""


def outcome_of(folder: Path, text: str, **settings: str) -> str:
    (folder / "test_it.py").write_text(text)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.skips", "-p", "no:cacheprovider", "."],
        cwd=folder,
        env={**ALONE, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    return ran.stdout


def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path: Path) -> None:
    said = outcome_of(tmp_path, TESTS, GATEPOST_TESTS_NO_SKIP="1")

    assert "1 failed, 2 passed, 1 deselected, 1 xfailed, 1 error" in said
    assert "no such program" in said
    assert "not today" in said


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    assert "2 passed, 2 skipped, 1 deselected, 1 xfailed" in outcome_of(tmp_path, TESTS)


def test_a_module_that_skips_fails_too(tmp_path: Path) -> None:
    module = 'import pytest\npytest.skip("no such module", allow_module_level=True)\n'

    said = outcome_of(tmp_path, module, GATEPOST_TESTS_NO_SKIP="1")

    assert "1 error" in said
    assert "no such module" in said
