"""Checks that there is a backup, and of when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatepost_cli.doctor.findings import Finding, fail, ok, warn

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost_cli.doctor.settings import DoctorSettings

_CHECK = "backup"
_LONGEST_STAMP = 64
_SLACK_SECONDS = 60  # between the clocks of the machines


def backup(settings: DoctorSettings, now: datetime) -> Finding:
    """How old the last backup is, by the stamp that it left."""
    path = settings.backup_stamp
    if path is None:
        return warn(
            _CHECK,
            "nothing says when the last backup was",
            "let each backup write its time into a file when it has succeeded, and name that by GATEPOST_BACKUP_STAMP",
        )
    try:
        at = _time_of(path)
    except OSError as error:
        return fail(_CHECK, f"{path} cannot be read: {error.strerror}", "see why no backup has left its stamp there")
    except ValueError:
        return fail(_CHECK, f"{path} holds no time", "write one as `date -u +%FT%TZ` does, or nothing at all")
    age = now - at
    if age.total_seconds() < -_SLACK_SECONDS:
        return fail(
            _CHECK,
            f"the last backup is said to be of {at:%Y-%m-%d %H:%M} UTC, which is yet to come",
            "set the clocks right, here and where backups are made",
        )
    hours = age.total_seconds() / 3600
    if age > settings.backup_age_limit:
        return fail(_CHECK, f"the last backup is {hours:.0f} hours old", "see why none was made since, and make one")
    return ok(_CHECK, f"the last backup is {max(hours, 0):.0f} hours old")


def _time_of(path: Path) -> datetime:
    with path.open("rb") as file:
        text = file.read(_LONGEST_STAMP + 1).decode("utf-8").strip()  # a UnicodeDecodeError is a ValueError
    if not text:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC)
