"""No test is left out unseen: where nothing may be skipped, a skip fails; some tests are taken only when asked for."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

USER = "root" if os.geteuid() == 0 else "ordinary user"


def nothing_may_be_skipped() -> bool:
    return os.environ.get("GATEPOST_TESTS_NO_SKIP") == "1"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only_as(user): runs only as 'root', or only as an 'ordinary user'")
    config.addinivalue_line("markers", "minutes: takes minutes of an idle machine, and runs only when -m names it")
    config.addinivalue_line("markers", "slow: runs only where nothing may be skipped, or when -m names it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes out the tests that are for another user, and the slow ones unless they are asked for."""
    slow_too = nothing_may_be_skipped() or "slow" in config.option.markexpr
    kept: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        is_for_us = all(mark.args == (USER,) for mark in item.iter_markers("only_as"))
        is_in_time = slow_too or item.get_closest_marker("slow") is None
        if item.get_closest_marker("minutes"):
            is_in_time = "minutes" in config.option.markexpr
        (kept if is_for_us and is_in_time else others).append(item)
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = kept


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Of a test that skips."""
    report = yield
    return _failed_if_skipped(report)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Of a module that skips as a whole."""
    report = yield
    return _failed_if_skipped(report)


def _failed_if_skipped(report: Report) -> Report:
    if nothing_may_be_skipped() and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"GATEPOST_TESTS_NO_SKIP=1 forbids to skip this. {why}"
    return report
