"""`gatepost users reset-second-factor`."""

from __future__ import annotations

import asyncpg
import pytest

from auth_server.domain.mails import MailKind
from auth_server.settings import AuthServerSettings
from tests.cli.command import refusal_of, run
from tests.conftest import Clock
from tests.mailbox import Mailbox
from tests.people import People, refresh, refused
from tests.second_factors import turned_on

pytestmark = pytest.mark.timeout(180)


@pytest.mark.requirement(30, 61)
async def test_an_operator_takes_a_second_factor_away_by_the_users_address(
    people: People, sql: asyncpg.Connection, settings: AuthServerSettings, clock: Clock, mailbox: Mailbox
) -> None:
    ann = await people.signed_in(email="Ann@example.org")
    await turned_on(sql, settings, clock, ann.id)
    await sql.execute("DELETE FROM outbox; DELETE FROM audit_events")
    given = {
        "GATEPOST_DATABASE_URL": settings.database_url.get_secret_value(),
        "GATEPOST_SEALING_KEYS": settings.sealing_keys.get_secret_value(),
    }

    said = run("users", "reset-second-factor", "ann@example.org", **given)

    assert said.returncode == 0, said.stderr
    assert "no second factor any more" in said.stdout
    assert await sql.fetchval("SELECT second_factor_since FROM users") is None
    assert (await mailbox.take_one(MailKind.SECOND_FACTOR_REMOVED)).recipient == ann.email
    rows = await sql.fetch("SELECT event, caller FROM audit_events")
    assert [tuple(row) for row in rows] == [("second-factor-reset", "command")]
    with refused("REFRESH_TOKEN_INVALID"):
        await refresh(people, ann.refresh_token)
    assert "has no second factor" in refusal_of("users", "reset-second-factor", "ann@example.org", **given)


def test_what_is_missing_is_told(database_url: str, settings: AuthServerSettings) -> None:
    command = ("users", "reset-second-factor", "nobody@example.com")
    keys = {"GATEPOST_SEALING_KEYS": settings.sealing_keys.get_secret_value()}

    assert "GATEPOST_SEALING_KEYS is missing" in refusal_of(*command, GATEPOST_DATABASE_URL=database_url)
    assert "no user has the address" in refusal_of(*command, GATEPOST_DATABASE_URL=database_url, **keys)
