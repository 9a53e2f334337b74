"""What pages say of tests holds: the files are there, and prove the requirement that they are named for."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
TEST_FILE = re.compile(r"`((?:clients/python/)?tests/[\w./]+\.py)`")
ROW = re.compile(r"^\|.*\| (\d+(?:, \d+)*) \| (`.*`) \|$", re.MULTILINE)
TABLE = re.compile(r"^(\|.*\|)\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]*\.(?:md|svg|png))(#[\w-]+)?\)")


def numbers_of(test_file):
    """The requirements that the file's tests are marked with."""
    marks = re.findall(r"requirement\(([\d, ]+)\)", (ROOT / test_file).read_text("utf-8"))
    return {int(number) for mark in marks for number in mark.split(",")}


def anchors_of(page):
    """How links call the page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {"#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def number_of_cells(row):
    """Into how many cells a row falls; a bar in code parts none."""
    return len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", row))) - 1


def test_every_test_that_a_page_names_is_there():
    named = {name for page in PAGES for name in TEST_FILE.findall(page.read_text("utf-8"))}

    assert len(named) > 40
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_row_of_the_threats_names_tests_of_its_requirements():
    rows = ROW.findall((ROOT / "docs" / "threats.md").read_text("utf-8"))

    assert len(rows) > 35
    for numbers, files in rows:
        wanted = {int(number) for number in numbers.split(",")}
        proven = {file: numbers_of(file) & wanted for file in TEST_FILE.findall(files)}
        assert all(proven.values()), f"{files} prove none of {numbers}: {proven}"
        assert set().union(*proven.values()) == wanted, f"{files} do not prove all of {numbers}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for name, anchor in LINK.findall(page.read_text("utf-8")):
        if "://" in name:
            continue
        target = page.parent / name
        assert target.exists(), f"{page.name} links to {name}"
        assert not anchor or anchor in anchors_of(target), f"{page.name} links to {name}{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_row_of_a_table_has_the_cells_of_its_head(page):
    for head, rows in TABLE.findall(page.read_text("utf-8")):
        odd = [row for row in rows.splitlines() if number_of_cells(row) != number_of_cells(head)]
        assert odd == [], f"{page.name} has rows of other length than {head}"


def test_no_two_rows_of_the_threats_are_of_the_same():
    for _, rows in TABLE.findall((ROOT / "docs" / "threats.md").read_text("utf-8")):
        subjects = [row.split("|")[1].strip() for row in rows.splitlines()]
        assert len(set(subjects)) == len(subjects), f"twice in {subjects}"


def test_the_tour_lists_every_service():
    protos = (ROOT / "protos" / "gatepost" / "v1").glob("*_service.proto")
    services = [
        name for proto in protos for name in re.findall(r"^service (\w+)", proto.read_text("utf-8"), re.MULTILINE)
    ]

    shown = re.findall(r"^gatepost\.v1\.(\w+)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)

    assert shown == sorted(services)
