"""Files of users to import: JSON lines and CSV, read record by record."""

from __future__ import annotations

import csv
import hashlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import orjson

from gatepost_cli.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LONGEST_LINE_BYTES = 64 * 1024
MOST_LINES_OF_A_ROW = 100
"""Of CSV, where a text in quotes may have several."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """What one record of a file says."""

    line: int
    """The line that it ends on, or of what cannot be read begins on, counted from 1."""
    read_bytes: int
    """Of the file, up to its end."""
    fields: Mapping[str, object]
    fault: str = ""
    """Why it cannot be read; empty where it can."""


def digest_of(path: Path) -> bytes:
    """The SHA-256 of the file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def records_of(path: Path) -> Iterator[Record]:
    """Every record of the file, one at a time.

    Raises:
        RefusalError: the name ends neither in .jsonl nor in .csv, or a CSV file has no good header.
    """
    readers = {".jsonl": _json_lines, ".ndjson": _json_lines, ".csv": _csv_rows}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise RefusalError(f"{path} is neither a .jsonl nor a .csv file")
    with path.open("rb") as file:
        yield from reader(_lines(file))


@dataclass(frozen=True, slots=True)
class _Line:
    content: bytes
    number: int
    read_bytes: int
    """Of the file, up to its end."""
    is_cut: bool
    """Whether it was too long, and its rest left out."""


def _lines(file: BinaryIO) -> Iterator[_Line]:
    """The lines of a file, none of them longer than may be."""
    number = read_bytes = 0
    while line := file.readline(LONGEST_LINE_BYTES):
        number += 1
        read_bytes += len(line)
        rest, is_cut = line, False
        while len(rest) == LONGEST_LINE_BYTES and not rest.endswith(b"\n"):
            rest, is_cut = file.readline(LONGEST_LINE_BYTES), True
            read_bytes += len(rest)
        yield _Line(line.removeprefix(_BOM) if number == 1 else line, number, read_bytes, is_cut)


def _json_lines(lines: Iterator[_Line]) -> Iterator[Record]:
    for line in lines:
        if line.content.strip():
            fields, fault = _object_of(line.content) if not line.is_cut else ({}, _TOO_LONG)
            yield Record(line.number, line.read_bytes, fields, fault)


def _object_of(line: bytes) -> tuple[Mapping[str, object], str]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}, "it is not JSON"
    return (found, "") if isinstance(found, dict) else ({}, "it is not a JSON object")


def _csv_rows(lines: Iterator[_Line]) -> Iterator[Record]:
    source = _CsvLines(lines)
    header = _header(source)
    while True:
        try:
            row = source.next_row()
        except csv.Error:
            # The line that it begins on alone: a quote that is never closed does not take the users behind it along.
            first = source.keep_first()
            yield Record(first.number, first.read_bytes, {}, _TOO_LONG if first.is_cut else "it is not CSV")
            continue
        if row is None:
            return
        if row:
            last = source.taken[-1]
            is_cut = any(line.is_cut for line in source.taken)
            fault = _fault_of(row, len(header)) if not is_cut else _TOO_LONG
            given = {} if fault else {name: value for name, value in zip(header, row, strict=True) if value}
            yield Record(last.number, last.read_bytes, given, fault)


class _CsvLines:
    """Takes the lines of one row of CSV after the other, and gives those back that turn out to be none of it."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines = lines
        self._given_back: deque[_Line] = deque()
        self.taken: list[_Line] = []
        """Those of the last row."""

    def next_row(self) -> list[str] | None:
        """The next row; None behind the last one.

        Raises:
            csv.Error: what begins here is no row, or one of too many lines.
        """
        self.taken = []
        return next(csv.reader(self._texts(), strict=True), None)

    def keep_first(self) -> _Line:
        """The line that the last row began on; those behind it are read again."""
        self._given_back.extendleft(reversed(self.taken[1:]))
        return self.taken[0]

    def _texts(self) -> Iterator[str]:
        while len(self.taken) < MOST_LINES_OF_A_ROW:
            line = self._given_back.popleft() if self._given_back else next(self._lines, None)
            if line is None:
                return
            self.taken.append(line)
            yield line.content.decode("utf-8", "surrogateescape")


def _header(source: _CsvLines) -> list[str]:
    try:
        header = source.next_row() or []
    except csv.Error as error:
        raise RefusalError("the first line is no header of CSV") from error
    if "email" not in header or len(set(header)) < len(header):
        raise RefusalError("the first line must name the columns, each once, `email` among them")
    return header


def _fault_of(row: list[str], columns: int) -> str:
    if len(row) != columns:
        return f"it has {len(row)} fields instead of {columns}; fields with a comma stand in quotes"
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return "it is not UTF-8"
    return ""


_TOO_LONG = f"it is longer than {LONGEST_LINE_BYTES} bytes"
