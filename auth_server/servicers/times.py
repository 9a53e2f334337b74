"""Times: protobuf's Timestamp to an aware datetime in UTC, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from auth_server.domain.errors import RequestInvalidError, Violation

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def datetime_of(timestamp: Timestamp, field: str) -> datetime:
    """The time to the microsecond, which is what PostgreSQL keeps.

    Raises:
        RequestInvalidError: the nanoseconds are out of range, which no field rule can say.
    """
    if not 0 <= timestamp.nanos < 1_000_000_000:
        raise RequestInvalidError(violations=(Violation(field, "nanos must be 0 to 999,999,999"),))
    return EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)


def write_time(time: datetime, into: Timestamp) -> None:
    """Sets a Timestamp; FromDatetime takes twice as long."""
    since = time - EPOCH
    into.seconds = since.days * 86_400 + since.seconds
    into.nanos = since.microseconds * 1000
