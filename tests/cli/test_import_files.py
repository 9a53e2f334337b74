"""Records of files as they are read: what is damaged takes nothing else along."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatepost_cli.import_files import LONGEST_LINE_BYTES, MOST_LINES_OF_A_ROW, records_of
from gatepost_cli.refusals import RefusalError
from gatepost_cli.users_import import Report, check_file, kept_hashes

HEADER = b"email,name\n"
LONG = b"x" * LONGEST_LINE_BYTES
# A damaged row, and what is said of it; behind it stand two users.
DAMAGED = {
    "a quote that is never closed": (b'a@example.org,"Ann\n', "it is not CSV"),
    "text behind a quote": (b'a@example.org,"Ann" Lee\n', "it is not CSV"),
    "a quote in a line that was cut": (b'a@example.org,"' + LONG + b'"\n', "it is longer than"),
    "a line that was cut": (b"a@example.org," + LONG + b"\n", "it is longer than"),
    "a text of lines, one of which was cut": (b'a@example.org,"Ann\n' + LONG + b'\nLee"\n', "it is longer than"),
}


def read(tmp_path: Path, content: bytes) -> list[tuple[int, object, str]]:
    path = tmp_path / "users.csv"
    path.write_bytes(content)
    return [(record.line, record.fields.get("email"), record.fault) for record in records_of(path)]


@pytest.mark.requirement(24)
@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_row_takes_no_user_behind_it_along(tmp_path: Path, what: str) -> None:
    row, why = DAMAGED[what]
    users = b'b@example.org,"Bob\nLee"\n' + b"".join(b"%d@example.org,Cid\n" % number for number in range(5000))

    found = read(tmp_path, HEADER + row + users)

    assert [email for _, email, fault in found if not fault] == [
        "b@example.org",
        *(f"{number}@example.org" for number in range(5000)),
    ]
    [(_, _, fault)] = [each for each in found if each[2]]
    assert fault.startswith(why)


def test_a_text_may_have_so_many_lines_and_no_more(tmp_path: Path) -> None:
    def of_lines(number: int) -> list[tuple[int, object, str]]:
        return read(tmp_path, HEADER + b'a@example.org,"' + b"\n" * (number - 1) + b'"\n')

    assert of_lines(MOST_LINES_OF_A_ROW) == [(MOST_LINES_OF_A_ROW + 1, "a@example.org", "")]
    assert of_lines(MOST_LINES_OF_A_ROW + 1)[0] == (2, None, "it is not CSV")


@pytest.mark.requirement(24)
def test_a_report_takes_the_place_of_no_other_file(tmp_path: Path) -> None:
    users, link = tmp_path / "users.csv", tmp_path / "link"
    users.write_bytes(HEADER + b"no address,Ann\n")
    link.symlink_to(users)
    for path in (users, link):
        with pytest.raises(RefusalError, match="is no report of an import"):
            check_file(users, kept_hashes(None), Report(path), print)
    report = Report(tmp_path / "report")

    for _ in range(2):
        assert check_file(users, kept_hashes(None), report, print).refused == 1

    assert users.read_bytes() == HEADER + b"no address,Ann\n"
    assert report.path.read_text().count("\n") == 1
