"""Records of any content: each is a user, or refused; none is a fault."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth_server.domain.kept_hashes import KeptHashes
from auth_server.domain.users import PROFILE_FIELDS
from gatepost_cli.import_records import FIELDS, RecordRefusedError, user_of
from tests.domain.test_passwords import FIRST, ring

KEPT = KeptHashes(ring(first=FIRST))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@pytest.mark.requirement(24)
@settings(max_examples=150, deadline=None)
@given(
    fields=st.dictionaries(st.sampled_from(sorted(FIELDS | PROFILE_FIELDS)), VALUES, max_size=4),
    email=st.sampled_from(["ada@example.com", None]),
)
def test_any_record_is_a_user_or_refused(fields: dict[str, object], email: str | None) -> None:
    try:
        found = user_of({**fields, **({"email": email} if email else {})}, KEPT, NOW)
    except RecordRefusedError:
        return
    assert "@" in found.email
    assert found.created_at <= NOW


def test_a_time_to_come_is_now() -> None:
    told = {"email": "ada@example.com", "created_at": "2099-01-01T00:00:00Z", "email_verified": "2099-01-01T00:00:00Z"}

    found = user_of(told, KEPT, NOW)

    assert (found.created_at, found.email_verified) == (NOW, NOW)
