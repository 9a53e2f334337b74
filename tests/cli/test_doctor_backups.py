"""What `gatepost doctor` says of backups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatepost_cli.doctor.backups import backup
from gatepost_cli.doctor.findings import Level
from gatepost_cli.doctor.settings import DoctorSettings

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("2026-11-22T02:00:00Z\n", Level.OK),
        ("2026-11-22T03:00:00+01:00", Level.OK),
        ("2026-11-21T09:00:00Z", Level.FAIL),
        ("2026-11-23T02:00:00Z", Level.FAIL),
        ("2026-11-22T02:00:00", Level.FAIL),
        ("yesterday", Level.FAIL),
        ("\xff" * 100, Level.FAIL),
        (None, Level.FAIL),
    ],
)
def test_a_backup_is_as_old_as_its_stamp_says(tmp_path: Path, text: str | None, level: Level) -> None:
    stamp = tmp_path / "stamp"
    if text is not None:
        stamp.write_bytes(text.encode("latin-1"))

    assert backup(DoctorSettings(backup_stamp=stamp), NOW).level is level


def test_an_empty_stamp_is_as_old_as_its_last_change(tmp_path: Path) -> None:
    stamp = tmp_path / "stamp"
    stamp.touch()
    settings = DoctorSettings(backup_stamp=stamp)

    assert backup(settings, datetime.now(UTC)).level is Level.OK
    assert backup(settings, datetime.now(UTC) + timedelta(hours=27)).level is Level.FAIL


def test_backups_that_nobody_tells_of_are_warned_of() -> None:
    assert backup(DoctorSettings(), NOW).level is Level.WARN
