"""Timestamps as RFC 3339 text, both ways."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_DAYS_TO_1970 = date(1970, 1, 1).toordinal()
_FIRST_SECOND = -62135596800  # 0001-01-01T00:00:00Z, timestamp.proto
_LAST_SECOND = 253402300799  # 9999-12-31T23:59:59Z, timestamp.proto
_MINUTES = [f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60)]


def read_timestamp(text: object, into: Timestamp) -> None:
    """Sets the timestamp to the time that the text names.

    Raises:
        ValueError: it is no RFC 3339 time with a zone, or lies outside the
            years 1 to 9999.
    """
    found = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("must be a time of RFC 3339 with a zone, like 2026-01-02T03:04:05.678Z")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, sign, zone_hours, zone_minutes = found.groups()[6:]
    if hour > 23 or minute > 59 or second > 59 or int(zone_hours or 0) > 23 or int(zone_minutes or 0) > 59:
        raise ValueError("names an hour, minute or second that no clock shows")
    try:
        days = date(year, month, day).toordinal() - _DAYS_TO_1970
    except ValueError:
        raise ValueError("names a day that no calendar shows") from None
    ahead = (int(zone_hours or 0) * 60 + int(zone_minutes or 0)) * (-60 if sign == "-" else 60)
    seconds = days * 86400 + hour * 3600 + minute * 60 + second - ahead
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise ValueError("must be in the years 1 to 9999 of UTC")
    into.seconds = seconds
    into.nanos = int((fraction or "").ljust(9, "0"))


def timestamp_text(timestamp: Timestamp) -> str:
    """The time in UTC with 3 digits of the second, or 6 or 9 where it has them.

    Written by hand: the datetime way costs twice as much, and this runs
    several times for each answer.
    """
    days, second = divmod(timestamp.seconds, 86400)
    minutes, second = divmod(second, 60)
    nanos = timestamp.nanos
    if nanos % 1_000_000 == 0:
        return f"{_day_text(days)}{_MINUTES[minutes]}{second:02}.{nanos // 1_000_000:03}Z"
    if nanos % 1_000 == 0:
        return f"{_day_text(days)}{_MINUTES[minutes]}{second:02}.{nanos // 1_000:06}Z"
    return f"{_day_text(days)}{_MINUTES[minutes]}{second:02}.{nanos:09}Z"


@lru_cache(maxsize=4096)
def _day_text(days: int) -> str:
    return date.fromordinal(_DAYS_TO_1970 + days).isoformat()
