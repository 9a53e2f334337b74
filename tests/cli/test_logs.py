"""Log lines."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatepost_cli import logs
from tests.cli.command import mode_of


@pytest.fixture
def line_of() -> Iterator[Callable[..., str]]:
    """What a record looks like when it is written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonLines())
    logger = logging.Logger("tests")
    logger.addHandler(handler)

    def written(message: object, *arguments: object, error: bool = False, **extra: object) -> str:
        logger.error(message, *arguments, exc_info=error, extra=extra)
        return stream.getvalue()

    yield written
    handler.close()


def test_a_line_holds_time_level_logger_message_and_fields(line_of: Callable[..., str]) -> None:
    line = json.loads(line_of("served %s", "it", rpc="Login", ms=1.5))

    assert line.pop("time").endswith("Z")
    assert line == {"level": "ERROR", "logger": "tests", "message": "served it", "rpc": "Login", "ms": 1.5}


@pytest.mark.requirement(61)
@pytest.mark.parametrize(
    "text",
    ['a\n{"level":"INFO"}', "a\rb", "a\x1b[2Jb", "a\x9b2Jb", "a\u2028b", "a\x85b", "a\u202eb", "a\x7fb", "a\ud800b"],
)
def test_no_text_ends_its_line_or_moves_the_terminal(line_of: Callable[..., str], text: str) -> None:
    line = line_of(text, field=text)

    assert len(line.splitlines()) == 1
    assert line.removesuffix("\n").isprintable()
    assert json.loads(line)["field"] == text


def test_an_exception_is_one_field(line_of: Callable[..., str]) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        line = line_of("failed", error=True)

    assert len(line.splitlines()) == 1
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


def test_what_json_cannot_hold_is_written_as_text(line_of: Callable[..., str]) -> None:
    line = json.loads(line_of("odd", path=Path("/x"), huge=2**70))

    assert line["path"] == "/x"
    assert line["huge"] == 2**70


def test_a_full_file_is_put_aside_and_both_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_LARGEST_FILE_BYTES", 100)
    path = tmp_path / "gatepost.log"
    handler = logs.file_handler(path)
    logger = logging.Logger("tests")
    logger.addHandler(handler)

    for _ in range(3):
        logger.error("x" * 120)

    handler.close()
    assert {file.name for file in tmp_path.iterdir()} == {"gatepost.log", "gatepost.log.1", "gatepost.log.2"}
    assert {mode_of(file) for file in tmp_path.iterdir()} == {0o600}


def test_lines_of_an_event_loop_are_written_soon_together_and_warnings_at_once() -> None:
    stream = io.StringIO()
    handler = logs.WrittenTogether(logging.StreamHandler(stream))
    logger = logging.Logger("tests")
    logger.addHandler(handler)

    def written() -> list[str]:
        return [json.loads(line)["message"] for line in stream.getvalue().splitlines()]

    async def log() -> None:
        logger.info("one")
        logger.info("two")
        assert stream.getvalue() == ""
        await asyncio.sleep(0.1)
        assert written() == ["one", "two"]
        logger.info("three")
        logger.warning("four")
        assert written()[2:] == ["three", "four"]
        logger.info("five")

    asyncio.run(log())
    handler.flush()
    handler.flush()
    logger.info("six")

    assert written() == ["one", "two", "three", "four", "five", "six"]
    handler.close()


def test_a_line_that_cannot_be_made_keeps_no_other_from_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    handler = logs.WrittenTogether(logging.StreamHandler(stream))
    handler.buffer = [logging.makeLogRecord({"msg": text, "args": (1,)}) for text in ("%d", "no number", "%d")]

    handler.flush()

    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["1", "1"]
    assert "not all arguments converted" in capsys.readouterr().err
    handler.close()
