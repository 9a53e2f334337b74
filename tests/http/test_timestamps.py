from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from http_gateway.json.timestamps import read_timestamp, timestamp_text

SECONDS = st.integers(-62135596800, 253402300799)
LOCAL = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1))  # noqa: DTZ001  the zone follows
NANOS = st.integers(0, 999_999_999)


def read(text):
    timestamp = Timestamp()
    read_timestamp(text, timestamp)
    return timestamp


@given(SECONDS, NANOS)
def test_every_time_comes_back_as_it_was_written(seconds, nanos):
    timestamp = Timestamp(seconds=seconds, nanos=nanos)

    assert read(timestamp_text(timestamp)) == timestamp


@given(SECONDS, NANOS)
def test_a_time_is_written_as_protobuf_would_but_with_milliseconds_at_least(seconds, nanos):
    timestamp = Timestamp(seconds=seconds, nanos=nanos)

    theirs = timestamp.ToJsonString()

    assert timestamp_text(timestamp) == (theirs if "." in theirs else theirs.replace("Z", ".000Z"))


@given(LOCAL, st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_any_offset_is_the_same_instant(local, offset_minutes):
    sign, (hours, minutes) = "-" if offset_minutes < 0 else "+", divmod(abs(offset_minutes), 60)

    found = read(f"{local.isoformat()}{sign}{hours:02}:{minutes:02}")

    utc = local.replace(tzinfo=UTC) - timedelta(minutes=offset_minutes)
    assert found.ToDatetime(UTC) == utc


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02t03:04:05z", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.678901Z"),
        ("2026-01-02T03:04:05.123456789+02:00", "2026-01-02T01:04:05.123456789Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_a_time_of_rfc_3339_is_read(text, written):
    assert timestamp_text(read(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05+0200",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05.1234567890Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T23:59:60Z",
        "2026-01-02T03:04:05+24:00",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "+010000-01-01T00:00:00Z",
        "\N{FULLWIDTH DIGIT TWO}026-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z\n",
        "Jan 2 2026 03:04 UTC",
        1767323045,
        None,
        True,
        ["2026-01-02T03:04:05Z"],
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"^(must|names) "):
        read(text)
