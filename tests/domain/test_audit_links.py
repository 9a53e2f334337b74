"""What the hash of an event's place in the chain is made of."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from auth_server.domain.audit_chain import BEGINNING, link_of
from auth_server.domain.stored_events import StoredEvent

EVENT = StoredEvent(
    id=7,
    at=datetime(2026, 11, 22, 8, 30, tzinfo=UTC),
    event="signed-in",
    user_id=UUID(int=1),
    request_id="r",
    rpc="AuthService/Login",
    caller=None,
    outcome="ok",
    repeats=1,
    key_id=UUID(int=2),
    sealed=b"sealed",
)
# Made before events had targets.
HASH = "0d9b3a4a634600443e2c157fbbb8fe098dff0eb92731628f75bc9846fa46eed4"


@pytest.mark.requirement(62)
def test_an_event_without_a_target_keeps_the_hash_that_it_had_before_there_were_any():
    assert link_of(BEGINNING, 3, EVENT).hash.hex() == HASH


@pytest.mark.requirement(62)
def test_a_target_makes_another_hash_as_does_an_empty_one():
    hashes = {link_of(BEGINNING, 3, replace(EVENT, target=target)).hash for target in (None, "", "key:a", "key:b")}

    assert len(hashes) == 4
