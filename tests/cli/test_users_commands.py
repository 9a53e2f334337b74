"""`gatepost users disable` and `enable`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from gatepost_cli.database import set_disabled
from gatepost_cli.refusals import RefusalError
from tests.cli.command import refusal_of, run
from tests.waiting import backends_that_wait

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def sign_in(owner_connection: asyncpg.Connection) -> AsyncIterator[str]:
    """The id of a sign-in of Ada's."""
    user_id, sign_in = uuid4(), uuid4()
    await owner_connection.execute(
        "INSERT INTO users (id, email, created_at, updated_at) VALUES ($1, 'Ada@example.com', now(), now())", user_id
    )
    await owner_connection.execute(
        "INSERT INTO refresh_families (id, user_id, created_at, expires)"
        " VALUES ($1, $2, now(), now() + interval '1 day')",
        sign_in,
        user_id,
    )
    yield str(sign_in)
    await owner_connection.execute("DELETE FROM users WHERE id = $1", user_id)


@pytest.mark.requirement(45)
async def test_a_user_is_disabled_and_enabled_by_their_address(
    owner_connection: asyncpg.Connection, database_url: str, sign_in: str
) -> None:
    disabled = run("users", "disable", "ada@example.com", GATEPOST_DATABASE_URL=database_url)
    during = await owner_connection.fetchval("SELECT disabled_at IS NOT NULL FROM users WHERE email ILIKE 'ada@%'")
    enabled = run("users", "enable", "ada@example.com", GATEPOST_DATABASE_URL=database_url)
    after = await owner_connection.fetchval("SELECT disabled_at IS NOT NULL FROM users WHERE email ILIKE 'ada@%'")

    assert (disabled.returncode, enabled.returncode) == (0, 0), (disabled.stderr, enabled.stderr)
    assert "every sign-in and session has ended" in disabled.stdout
    assert (during, after) == (True, False)
    reason = "SELECT ended_reason FROM refresh_families WHERE id::text = $1"
    assert await owner_connection.fetchval(reason, sign_in) == "user disabled"
    logged = "SELECT count(*) FROM revocations WHERE subject_id = $1"
    assert await owner_connection.fetchval(logged, sign_in) == 1


@pytest.mark.parametrize("command", ["disable", "enable"])
def test_an_address_that_nobody_has_is_told(database_url: str, command: str) -> None:
    said = refusal_of("users", command, "nobody@example.com", GATEPOST_DATABASE_URL=database_url)

    assert "no user has the address nobody@example.com" in said


async def test_who_gives_an_address_up_meanwhile_is_not_disabled_for_it(
    sql: asyncpg.Connection, database_url: str, sign_in: str
) -> None:
    async with sql.transaction():
        await sql.execute("UPDATE users SET email = 'ada@example.org' WHERE email = 'Ada@example.com'")
        disabling = asyncio.create_task(set_disabled(database_url, "ada@example.com", disabled=True))
        await backends_that_wait(sql)

    with pytest.raises(RefusalError, match="no user has the address"):
        await disabling
    assert await sql.fetchval("SELECT count(*) FROM users WHERE disabled_at IS NOT NULL") == 0


@pytest.mark.requirement(61)
async def test_what_an_operator_does_by_command_is_audited(
    sql: asyncpg.Connection, database_url: str, sign_in: str
) -> None:
    for arguments in (
        ("disable", "ada@example.com"),
        ("enable", "ada@example.com"),
        ("role", "ada@example.com", "operator"),
    ):
        assert run("users", *arguments, GATEPOST_DATABASE_URL=database_url).returncode == 0

    rows = await sql.fetch("SELECT event, caller, user_id IS NOT NULL, target FROM audit_events ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("user-disabled", "command", True, None),
        ("user-enabled", "command", True, None),
        ("role-changed", "command", True, "role:operator"),
    ]
