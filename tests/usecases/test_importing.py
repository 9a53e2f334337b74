"""Batches of an import: all of it or nothing, and none twice."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import pytest

from auth_server.domain.ids import new_id
from auth_server.domain.imported_users import ImportedUser, ImportState
from auth_server.storage.database import Database
from auth_server.usecases.importing import Importing, ImportOvertakenError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def importing(db: Database) -> Importing:
    return Importing(db, b"digest", lambda: NOW)


def a_user(email: str) -> ImportedUser:
    return ImportedUser(new_id(), email, None, None, None, None, {}, None, None, NOW)


@pytest.mark.requirement(24)
async def test_a_second_import_of_the_same_file_does_nothing_and_stops(
    importing: Importing, sql: asyncpg.Connection
) -> None:
    start = await importing.begin()
    state, _ = await importing.batch(start, [a_user("a@example.com")], refused=2)

    with pytest.raises(ImportOvertakenError):
        await importing.batch(start, [a_user("b@example.com")], refused=0)

    assert await sql.fetchval("SELECT array_agg(email) FROM users") == ["a@example.com"]
    assert await sql.fetchval("SELECT count(*) FROM audit_events") == 1
    assert await importing.begin() == state == ImportState(records=3, imported=1, refused=2)


@pytest.mark.requirement(24)
async def test_an_import_that_has_ended_takes_nothing_more(importing: Importing, sql: asyncpg.Connection) -> None:
    state = await importing.begin()
    await importing.end(state)

    with pytest.raises(ImportOvertakenError):
        await importing.batch(state, [a_user("a@example.com")], refused=0)

    assert await sql.fetchval("SELECT count(*) FROM users") == 0
    assert (await importing.begin()).ended_at == NOW


@pytest.mark.requirement(24)
async def test_of_two_records_with_one_id_or_address_the_first_is_imported(importing: Importing) -> None:
    first, second = a_user("a@example.com"), a_user("A@example.com")

    state, added = await importing.batch(await importing.begin(), [first, second], refused=0)

    assert added == {first.id}
    assert (state.imported, state.present) == (1, 1)
