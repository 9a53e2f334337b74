"""Log lines: one JSON object each, which no text from outside can break or forge."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
import time
from contextlib import contextmanager, nullcontext
from io import TextIOWrapper
from itertools import islice
from logging.handlers import BufferingHandler, RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from gatepost_cli.private_files import open_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A record gets its own fields first, then those of `extra`, then perhaps what other formatters leave on it: the message
# once more, and a time.
_FIRST_EXTRA = len(vars(logging.makeLogRecord({})))
# JSON encodes the controls below U+0020. These pass it, and a terminal or a reader of lines may act on them:
# DEL, C1 controls, line and paragraph separators, marks that turn the direction of writing.
_ACTIVE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LARGEST_FILE_BYTES = 10 * 2**20
_TOGETHER_SECONDS = 0.02
_MOST_LINES = 1000


class JsonLines(logging.Formatter):
    """Formats a record as a JSON object with its time, level, logger, message and `extra` fields."""

    def __init__(self) -> None:
        super().__init__()
        self._second = -1
        self._second_text = ""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": self._time_of(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(islice(record.__dict__.items(), _FIRST_EXTRA, None))
        line.pop("asctime", None)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)

    def _time_of(self, created: float) -> str:
        second = int(created)
        if second != self._second:  # most lines share their second with the one before
            self._second, self._second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second_text}.{int((created - second) * 1000):03d}Z"


class WrittenTogether(BufferingHandler):
    """Writes the lines of an event loop together, 20 ms after the first; a warning, or a line from elsewhere, at once.

    Formatting and writing each by itself takes three times as long, most of it to find its code in no cache. The target
    gets the lines as they are to be written, as one record.
    """

    def __init__(self, target: logging.StreamHandler[Any]) -> None:
        super().__init__(_MOST_LINES)
        self._target = target
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the record, and sees to it that it is written."""
        self.buffer.append(record)
        if record.levelno > logging.INFO or len(self.buffer) >= self.capacity:
            self.flush()
        elif len(self.buffer) == 1:
            try:
                asyncio.get_running_loop().call_later(_TOGETHER_SECONDS, self.flush)
            except RuntimeError:  # no event loop runs
                self.flush()

    def flush(self) -> None:
        """Writes what is kept."""
        with self.lock or nullcontext():
            records, self.buffer = self.buffer, []
            if records:
                self._target.handle(logging.makeLogRecord({"msg": "\n".join(self._lines_of(records))}))

    def close(self) -> None:
        """Writes what is kept, and closes the file."""
        super().close()
        self._target.close()

    def _lines_of(self, records: Iterable[logging.LogRecord]) -> Iterator[str]:
        for record in records:
            try:
                yield self.format(record)
            except Exception:  # what somebody logged in a wrong way must not keep the others' lines from the log
                self.handleError(record)


def log_to_screen() -> None:
    """Sends every log line of the process to standard error."""
    _log_to(logging.StreamHandler(sys.stderr))


def log_to_file(path: Path) -> None:
    """Sends every log line of the process to a private file."""
    _log_to(file_handler(path))


def file_handler(path: Path) -> logging.StreamHandler[Any]:
    """Writes to a file that only its owner reads, which is put aside at 10 MiB; three old ones are kept."""
    return _PrivateLogFile(path, maxBytes=_LARGEST_FILE_BYTES, backupCount=3, encoding="utf-8")


@contextmanager
def warnings_on_screen() -> Iterator[None]:
    """Shows warnings and errors on standard error too, as plain text, meanwhile."""
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    screen.setFormatter(logging.Formatter("gatepost: %(levelname)s: %(message)s"))
    logging.getLogger().addHandler(screen)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(screen)


class _PrivateLogFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        descriptor = open_file(Path(self.baseFilename), os.O_WRONLY | os.O_APPEND)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding=self.encoding)

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802, ARG002 (the base class's signature)
        # The base class formats the record once more to learn its length, which doubles the price of a line.
        return self.stream is not None and os.fstat(self.stream.fileno()).st_size >= self.maxBytes


def _log_to(handler: logging.StreamHandler[Any]) -> None:
    logging.basicConfig(level=logging.INFO, handlers=[WrittenTogether(handler)], force=True)
    logging.captureWarnings(True)
    # No line shows these; looking them up costs as much as the rest of the record.
    logging._srcfile = None  # documented in the logging HOWTO, "Optimization"
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _encode(line: dict[str, Any]) -> str:
    try:
        text = orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # such as half a surrogate pair, or an integer past 64 bits
        return json.dumps(line, default=str, ensure_ascii=True, skipkeys=True)
    if text.isascii() and "\x7f" not in text:
        return text
    return _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
