"""Files of users to import: JSON lines and CSV, read record by record."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import orjson

from gatepost_cli.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LONGEST_LINE_BYTES = 64 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """What one record of a file says."""

    line: int
    """The line that it ends on, counted from 1."""
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
        yield from reader(_Lines(file))


class _Lines:
    """The lines of a file, none of them longer than may be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = 0
        self.read_bytes = 0
        self.is_cut = False
        """Whether the last one was too long, and its rest left out."""

    def __iter__(self) -> Iterator[bytes]:
        while line := self._file.readline(LONGEST_LINE_BYTES):
            self.number += 1
            self.read_bytes += len(line)
            self.is_cut = False
            rest = line
            while len(rest) == LONGEST_LINE_BYTES and not rest.endswith(b"\n"):
                rest = self._file.readline(LONGEST_LINE_BYTES)
                self.read_bytes += len(rest)
                self.is_cut = True
            yield line.removeprefix(_BOM) if self.number == 1 else line


def _json_lines(lines: _Lines) -> Iterator[Record]:
    for line in lines:
        if line.strip():
            fields, fault = _object_of(line) if not lines.is_cut else ({}, _TOO_LONG)
            yield Record(lines.number, lines.read_bytes, fields, fault)


def _object_of(line: bytes) -> tuple[Mapping[str, object], str]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}, "it is not JSON"
    return (found, "") if isinstance(found, dict) else ({}, "it is not a JSON object")


def _csv_rows(lines: _Lines) -> Iterator[Record]:
    rows = csv.reader((line.decode("utf-8", "surrogateescape") for line in lines), strict=True)
    header = _header(rows)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield Record(lines.number, lines.read_bytes, {}, "it is not CSV")
            continue
        if row:
            fault = _fault_of(row, len(header)) if not lines.is_cut else _TOO_LONG
            given = {} if fault else {name: value for name, value in zip(header, row, strict=True) if value}
            yield Record(lines.number, lines.read_bytes, given, fault)


def _header(rows: Iterator[list[str]]) -> list[str]:
    try:
        header = next(rows, [])
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
