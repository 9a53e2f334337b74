"""The operator's commands on a database that does not let them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from gatepost_cli.database import migrate, set_role
from gatepost_cli.refusals import RefusalError
from tests.cli.command import refusal_of

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def stranger(owner_connection: asyncpg.Connection, database_url: str) -> AsyncIterator[str]:
    """The URL of an empty database, for a role that owns nothing in it."""
    await owner_connection.execute("CREATE DATABASE bare")
    await owner_connection.execute("CREATE ROLE stranger LOGIN")
    yield database_url.replace("/postgres?", "/bare?").replace("//postgres", "//stranger")
    await owner_connection.execute("DROP DATABASE bare WITH (FORCE)")
    await owner_connection.execute("DROP ROLE stranger")


async def test_a_role_that_may_not_create_is_told_what_to_grant(stranger: str) -> None:
    said = refusal_of("migrate", GATEPOST_DATABASE_URL=stranger)

    assert "stranger@" in said
    assert "permission denied for schema public" in said
    assert "CREATE on the schema public" in said


async def test_a_role_that_may_not_write_is_told(stranger: str, database_url: str) -> None:
    theirs = database_url.replace("//postgres", "//stranger")

    with pytest.raises(RefusalError, match="permission denied for table users"):
        await set_role(theirs, "ada@example.com", "operator")


async def test_a_database_that_was_not_migrated_is_told(stranger: str) -> None:
    said = refusal_of("users", "role", "ada@example.com", "operator", GATEPOST_DATABASE_URL=stranger)

    assert "run `gatepost migrate` first" in said


async def test_what_else_the_database_refuses_is_one_sentence(
    owner_connection: asyncpg.Connection, stranger: str
) -> None:
    await owner_connection.execute("GRANT CREATE ON DATABASE bare TO stranger")
    connection = await asyncpg.connect(stranger)
    await connection.execute("CREATE SCHEMA own; CREATE TABLE own.schema_migrations (name int)")
    await connection.close()
    await owner_connection.execute("ALTER ROLE stranger SET search_path = own")

    with pytest.raises(RefusalError, match='column "checksum" does not exist'):
        await migrate(stranger)
