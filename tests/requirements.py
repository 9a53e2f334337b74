"""Which tests prove which requirement, held against docs/requirements.md."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shutil
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "requirements.md"
STATES = ("proven", "partly", "open")
_ROW = re.compile(r"\| (\d+) \| (.+) \| (.*?) ?\| (\w+) \|")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A row of the page."""

    number: int
    text: str
    state: str


def requirements_of(page: str) -> list[Requirement]:
    """The page's rows, in its order."""
    rows = map(_ROW.fullmatch, page.splitlines())
    return [Requirement(int(row[1]), row[2], row[4]) for row in rows if row]


class Markers:
    """A plugin of pytest that notes the tests of each requirement, those that this machine would leave out as well."""

    def __init__(self) -> None:
        self.tests: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        """The test functions of each number, and how many cases each has."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Notes them, and takes all of them out: nothing shall run."""
        for item in items:
            name = item.nodeid.partition("[")[0]
            for number in {number for mark in item.iter_markers("requirement") for number in mark.args}:
                self.tests[number][name] += 1
        items.clear()


def collected() -> dict[int, dict[str, int]]:
    """The tests of each requirement.

    Raises:
        SystemExit: pytest cannot collect the tests; what it says is printed.
    """
    markers, said = Markers(), io.StringIO()
    with contextlib.redirect_stdout(said):
        ended = pytest.main(["--collect-only", "-q", "-p", "no:randomly", str(ROOT)], plugins=[markers])
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise SystemExit(said.getvalue())
    return markers.tests


def faults(requirements: list[Requirement], tests: dict[int, dict[str, int]]) -> list[str]:
    """Where page and tests disagree, a sentence each."""
    found = []
    numbers = [each.number for each in requirements]
    if numbers != list(range(1, len(numbers) + 1)):
        found.append("the page does not count its rows from 1 on, one by one")
    for each in requirements:
        has = each.number in tests
        if each.state not in STATES:
            found.append(f"{each.number} is called {each.state}: say proven, partly or open")
        elif each.state == "open" and has:
            found.append(f"{each.number} is called open, and has tests: call it partly proven, or proven")
        elif each.state != "open" and not has:
            found.append(f"{each.number} is called {each.state}, and no test is marked with it: {each.text}")
    found += [f"{number} is marked in tests, and no row of the page" for number in sorted(set(tests) - set(numbers))]
    return found


def told(requirements: list[Requirement], tests: dict[int, dict[str, int]], *, width: int, shows_all: bool) -> str:
    """The list, a requirement with its state and tests after the other."""
    lines = []
    for each in requirements:
        names = tests.get(each.number, {})
        head = f"{each.number:2}  {each.state:7}{sum(names.values()):5} "
        lines.append(textwrap.fill(each.text, width, initial_indent=head, subsequent_indent=" " * len(head)))
        by_file: dict[str, list[str]] = defaultdict(list)
        for name in names:
            file, _, function = name.partition("::")
            by_file[file].append(function)
        for file, functions in sorted(by_file.items()):
            count = f" ({len(functions)})" if len(functions) > 1 else ""
            lines.append(f"{'':15}{file}{count}")
            lines += [f"{'':17}{function}" for function in functions if shows_all]
    counts = {state: sum(each.state == state for each in requirements) for state in STATES}
    summary = ", ".join(f"{count} {state}" for state, count in counts.items())
    return "\n".join([*lines, f"{len(requirements)} requirements: {summary}."])


def main() -> None:
    """Prints the list, or what is wrong with it."""
    parser = argparse.ArgumentParser(
        prog="scripts/requirements",
        description="Prints the requirements of docs/requirements.md, how many tests prove each, and where they are.",
    )
    parser.add_argument("numbers", nargs="*", type=int, metavar="NUMBER", help="only these requirements")
    parser.add_argument("--all", action="store_true", help="name every test, not only its file")
    parser.add_argument("--check", action="store_true", help="exit with 1 where page and tests disagree, and say where")
    given = parser.parse_args()

    requirements = requirements_of(PAGE.read_text("utf-8"))
    tests = collected()
    if given.check:
        found = faults(requirements, tests)
        print("\n".join(found))
        raise SystemExit(1 if found else 0)
    wanted = [each for each in requirements if not given.numbers or each.number in given.numbers]
    print(told(wanted, tests, width=min(shutil.get_terminal_size().columns, 120), shows_all=given.all))


if __name__ == "__main__":
    main()
