"""What `gatepost doctor` says of a database, and of the keys that open what lies in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr

from auth_server.app import running
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database, connected
from gatepost_cli.doctor import database, keys
from gatepost_cli.doctor.findings import Finding, Level
from tests.conftest import key_ring
from tests.people import People

HERE = "postgresql://u@127.0.0.1:5432/d"


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    return {each.check: each for each in findings}


async def standing_of(db: Database) -> dict[str, Finding]:
    return by_check(await database.standing(db, lambda: datetime.now(UTC), HERE))


async def test_migrations_that_are_missing_fail(database_url: str, sql: asyncpg.Connection) -> None:
    assert (await database.schema(database_url)).level is Level.OK
    applied = await sql.fetchrow(
        "DELETE FROM schema_migrations WHERE name = '0009_locale.sql' RETURNING name, checksum"
    )
    assert applied is not None
    try:
        lacking = await database.schema(database_url)
    finally:
        await sql.execute("INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", *applied)

    assert (lacking.level, lacking.text) == (Level.FAIL, "1 are missing: 0009_locale.sql")


async def test_a_superuser_fails_and_may_alter_the_audit(db: Database) -> None:
    findings = await standing_of(db)

    assert findings["database role"].level is Level.FAIL
    assert findings["audit rights"].level is Level.WARN
    assert "may do everything: it is a superuser" in findings["audit rights"].text


async def test_a_role_without_rights_on_audit_events_is_told_from_one_that_has_them(
    database_url: str, owner_connection: asyncpg.Connection
) -> None:
    await owner_connection.execute("CREATE ROLE poor LOGIN CREATEDB; GRANT SELECT, INSERT ON audit_events TO poor")
    try:
        async with connected(database_url.replace("postgres@", "poor@"), size=1) as db:
            before = await standing_of(db)
            await owner_connection.execute("GRANT DELETE ON audit_links TO poor")
            after = await standing_of(db)
    finally:
        await owner_connection.execute("DROP OWNED BY poor; DROP ROLE poor")

    assert before["audit rights"].level is Level.OK
    assert before["database role"].text == "poor has CREATEDB, which no server needs"
    assert (after["audit rights"].level, "may DELETE audit_links" in after["audit rights"].text) == (Level.WARN, True)


async def test_a_clock_that_is_seconds_off_is_warned_of_and_fails(db: Database) -> None:
    async def level(seconds: int) -> Level:
        findings = await database.standing(db, lambda: datetime.now(UTC) + timedelta(seconds=seconds), HERE)
        return by_check(findings)["clock"].level

    levels = [await level(seconds) for seconds in (0, 3, -3, 60, -60)]
    assert levels == [Level.OK, Level.WARN, Level.WARN, Level.FAIL, Level.FAIL]


UNVERIFIED = {
    "postgresql://u:p@db.example.org/d": True,
    "postgresql://u:p@db.example.org/d?sslmode=require": True,
    "postgresql://u@localhost:5432,10.0.0.7:5432/d?sslmode=prefer": True,
    "postgresql://u@/d?host=10.0.0.7": True,
    "postgresql://u@[2001:db8::1]:5432/d": True,
    "postgresql://u:p@db.example.org/d?sslmode=verify-full": False,
    "postgresql://u@localhost/d": False,
    "postgresql://u@[::1]:5432/d": False,
    "postgresql://u@/d?host=/run/postgresql": False,
    "postgresql://u@%2Frun%2Fpostgresql/d": False,
}


@pytest.mark.requirement(41)
async def test_a_database_elsewhere_whose_certificate_nobody_looks_at_is_warned_of(
    db: Database, subtests: pytest.Subtests
) -> None:
    for url, expected in UNVERIFIED.items():
        with subtests.test(url):
            findings = by_check(await database.standing(db, lambda: datetime.now(UTC), url))
            assert findings["database connection"].level is (Level.WARN if expected else Level.OK)


@pytest.mark.requirement(62)
async def test_a_chain_that_does_not_grow_fails(db: Database, sql: asyncpg.Connection) -> None:
    async def level(age: timedelta) -> Level:
        return (await database.audit_log(db, datetime.now(UTC) + age)).level

    # A link that stands in the way, so that no server that runs beside gives the event its place.
    await sql.execute("INSERT INTO audit_links SELECT number, number, 'x' FROM generate_series(1, 9) AS number")
    assert await level(timedelta(days=1)) is Level.OK
    await sql.execute("INSERT INTO audit_events (at, event) VALUES (now(), 'tested')")

    assert [await level(timedelta(minutes=minutes)) for minutes in (4, 6)] == [Level.OK, Level.FAIL]


async def test_mails_that_do_not_leave_are_told_by_how_late_they_are(db: Database, sql: asyncpg.Connection) -> None:
    async def waits(minutes: int, *, dead: bool = False) -> None:
        due = datetime.now(UTC) - timedelta(minutes=minutes)
        await sql.execute(
            """
            INSERT INTO outbox (id, kind, recipient, created_at, due_at, give_up_at, dead_at)
            VALUES ($1, 'verify-email', 'a@example.org', $2, $2, $2, $3)
            """,
            UUID(int=minutes + 1000),
            due,
            due if dead else None,
        )

    async def levels() -> tuple[Level, ...]:
        return tuple(each.level for each in await database.mails(db, datetime.now(UTC)))

    await waits(-60)
    assert await levels() == (Level.OK, Level.OK)
    await waits(10)
    assert await levels() == (Level.WARN, Level.OK)
    await waits(90)
    await waits(900, dead=True)
    assert await levels() == (Level.FAIL, Level.WARN)


async def test_peppers_and_sealing_keys_that_are_gone_fail(
    people: People, db: Database, settings: AuthServerSettings
) -> None:
    await people.an_account((await people.a_user()).id, access_token="at")
    await people.signed_in()
    kept = by_check(await keys.rings(db, settings))
    other = {"peppers": key_ring("new"), "sealing_keys": key_ring("new")}
    ring = settings.model_copy(update={name: type(settings.peppers)(text) for name, text in other.items()})
    lost = by_check(await keys.rings(db, ring))
    (opens, *_) = await keys.signing(db, ring, datetime.now(UTC))

    assert [kept[check].level for check in ("peppers", "sealing keys")] == [Level.OK, Level.OK]
    assert [lost[check].level for check in ("peppers", "sealing keys")] == [Level.FAIL, Level.FAIL]
    assert "under 'pepper'" in lost["peppers"].text
    assert "under 'seal'" in lost["sealing keys"].text
    assert opens.level is Level.FAIL


async def test_signing_keys_that_nobody_looks_after_fail(keys_url: str, settings: AuthServerSettings) -> None:
    by_hand = {"key_rotation_interval": timedelta(0)}
    async with running(settings.model_copy(update={"database_url": SecretStr(keys_url)})):
        pass  # it makes them
    async with connected(keys_url, size=1) as db:

        async def level(after: timedelta, **changes: object) -> Level:
            set_up = settings.model_copy(update=changes)
            return (await keys.signing(db, set_up, datetime.now(UTC) + after))[1].level

        assert await level(timedelta(0)) is Level.OK
        assert await level(timedelta(days=60)) is Level.FAIL
        assert await level(timedelta(days=60), **by_hand) is Level.OK
        assert await level(timedelta(days=120), **by_hand) is Level.WARN


async def test_without_a_signing_key_it_says_how_to_have_one(keys_url: str, settings: AuthServerSettings) -> None:
    async with connected(keys_url, size=1) as db:
        (_, signing) = await keys.signing(db, settings, datetime.now(UTC))

    assert (signing.level, signing.todo) == (Level.FAIL, "start a server: it makes one")
