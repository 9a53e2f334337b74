"""No test fails for how fast the machine is, and no worker is left with a long file at the end."""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

LONGEST_FIRST = ("tests/e2e/", "tests/cli/")
"""The folders whose files take longest, as they wait for processes."""

# What is made up differs from run to run on a desk, where whoever sees a failure knows what they have changed; what
# judges a change makes up the same each time. scripts/fuzz goes on searching.
settings.register_profile(
    "gatepost",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("GATEPOST_TESTS_NO_SKIP") == "1",
    database=None,
)


def pytest_configure() -> None:
    """Before any test is collected, as what they decorate takes the profile of that moment."""
    settings.load_profile("gatepost")
    # Collecting makes a million objects, all to stay: to look through them again and again takes a third of its time.
    gc.disable()


def pytest_collection_finish() -> None:
    """Looks for garbage again, among what the tests make."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After they were put into random order, which stays among each kind of them."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST_FIRST))
