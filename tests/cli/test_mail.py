"""`gatepost mail`: the mails that wait or have failed."""

from __future__ import annotations

import asyncpg
import pytest

from auth_server.app import utc_now
from auth_server.mailing import outbox_of
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from tests.audit import done_by_command, refusing_events
from tests.cli.command import refusal_of, run
from tests.mails import a_mail


@pytest.fixture
async def on(settings: AuthServerSettings, db: Database, sql: asyncpg.Connection) -> dict[str, str]:
    """The one setting that the commands need, of a database with three dead mails and one that waits."""
    outbox = outbox_of(settings, utc_now)
    for name in ("dead1", "dead2", "dead3", "waits"):
        await outbox.put(db, a_mail(f"{name}@example.org"))
    await sql.execute(
        "UPDATE outbox SET dead_at = '2030-01-02 03:04Z', attempts = 2, last_error = '550 no' WHERE recipient <> $1",
        "waits@example.org",
    )
    return {"GATEPOST_DATABASE_URL": settings.database_url.get_secret_value()}


def said(*arguments: str, **settings: str) -> str:
    """What the command prints when it succeeds."""
    ended = run("mail", *arguments, **settings)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


async def id_of(sql: asyncpg.Connection, recipient: str) -> str:
    return str(await sql.fetchval("SELECT id FROM outbox WHERE recipient = $1", recipient))


@pytest.mark.requirement(52)
async def test_mails_are_listed_with_what_keeps_them_back(on: dict[str, str], sql: asyncpg.Connection) -> None:
    everything, dead = said("list", **on).splitlines(), said("list", "--dead", **on).splitlines()

    assert (len(everything), len(dead)) == (4, 3)
    dead1 = await id_of(sql, "dead1@example.org")
    line = f"{dead1}  password-changed   dead1@example.org  dead since 2030-01-02 03:04 UTC, tried 2x: 550 no"
    assert line in dead
    assert not any("waits@" in line for line in dead)


@pytest.mark.requirement(52)
async def test_dead_mails_are_redriven_by_their_ids_or_all(on: dict[str, str], sql: asyncpg.Connection) -> None:
    waiting = "SELECT count(*) FROM outbox WHERE dead_at IS NULL"

    assert said("redrive", await id_of(sql, "dead1@example.org"), **on).startswith("1 mail waits again")
    assert await sql.fetchval(waiting) == 2
    assert said("redrive", "--all", **on).startswith("2 mails wait again")
    assert await sql.fetchval(waiting) == 4


@pytest.mark.requirement(52)
async def test_mails_are_dropped_by_their_ids_and_dead_ones_all(on: dict[str, str], sql: asyncpg.Connection) -> None:
    assert said("drop", "--all", **on) == "3 mails dropped.\n"
    assert said("drop", await id_of(sql, "waits@example.org"), **on) == "1 mail dropped.\n"
    assert said("list", **on) == "No mail waits.\n"
    assert said("list", "--dead", **on) == "There is no dead mail.\n"


@pytest.mark.requirement(61)
async def test_what_is_done_to_mails_is_audited_or_not_done(on: dict[str, str], sql: asyncpg.Connection) -> None:
    ids = [await id_of(sql, f"dead{number}@example.org") for number in (1, 2, 3)]
    async with refusing_events(sql):
        for command in ("redrive", "drop"):
            assert "the database" in refusal_of("mail", command, "--all", **on)
            assert "the database" in refusal_of("mail", command, ids[0], **on)
    assert len(said("list", "--dead", **on).splitlines()) == 3

    said("redrive", ids[0], **on)
    said("drop", ids[0], **on)
    refusal_of("mail", "drop", ids[0], **on)
    said("redrive", "--all", **on)

    events = await done_by_command(sql)
    assert events[:2] == [("mail-redriven", f"mail:{ids[0]}"), ("mail-dropped", f"mail:{ids[0]}")]
    assert sorted(events[2:]) == sorted(("mail-redriven", f"mail:{each}") for each in ids[1:])


@pytest.mark.parametrize("command", ["redrive", "drop"])
def test_a_mail_that_is_not_there_is_told(on: dict[str, str], command: str) -> None:
    assert "there is no such mail nonsense" in refusal_of("mail", command, "nonsense", **on)


@pytest.mark.parametrize("arguments", [(), ("--all", "01890000-0000-7000-8000-000000000001")])
@pytest.mark.parametrize("command", ["redrive", "drop"])
def test_which_mails_are_meant_must_be_said(command: str, arguments: tuple[str, ...]) -> None:
    ended = run("mail", command, *arguments)

    assert ended.returncode == 2
    assert "say --all" in ended.stderr
