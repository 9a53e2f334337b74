"""The list of requirements, and that a lost proof is seen."""

import pytest

from tests.requirements import PAGE, Requirement, faults, requirements_of, told

TWO = [Requirement(1, "Doors close.", "proven"), Requirement(2, "Windows, too.", "open")]
CLOSED = {1: {"tests/test_doors.py::test_they_close": 3}}


def test_the_page_holds_sixty_four_requirements():
    page = requirements_of(PAGE.read_text("utf-8"))

    assert [each.number for each in page] == list(range(1, 65))
    assert {each.state for each in page} <= {"proven", "partly", "open"}


def test_page_and_tests_agree():
    assert faults(TWO, CLOSED) == []


@pytest.mark.parametrize(
    ("requirements", "tests", "fault"),
    [
        (TWO, {}, "1 is called proven, and no test"),
        (TWO, CLOSED | {2: {"tests/test_windows.py::test_they_close": 1}}, "2 is called open, and has tests"),
        (TWO, CLOSED | {3: {"tests/test_roof.py::test_it_holds": 1}}, "3 is marked in tests, and no row"),
        (TWO[1:], {}, "the page does not count"),
        ([Requirement(1, "Doors close.", "done")], CLOSED, "1 is called done"),
    ],
)
def test_where_they_do_not_it_is_said(requirements, tests, fault):
    [said] = faults(requirements, tests)

    assert said.startswith(fault)


def test_the_list_names_state_cases_and_files():
    assert told(TWO, CLOSED, width=80, shows_all=True).splitlines() == [
        " 1  proven     3 Doors close.",
        "               tests/test_doors.py",
        "                 test_they_close",
        " 2  open       0 Windows, too.",
        "2 requirements: 1 proven, 0 partly, 1 open.",
    ]
