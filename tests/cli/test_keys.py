"""`gatepost keys`: what an operator sees of signing keys, and does to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from auth_server.domain.key_lives import KeyState
from auth_server.storage.database import Database, connected
from gatepost_cli.keys import all_notes, revoke, rotate
from gatepost_cli.refusals import RefusalError
from tests.audit import done_by_command, refusing_events
from tests.cli.command import Up, call, eventually, refusal_of, run
from tests.conftest import key_ring
from tests.keys import Time, a_server, kid_of, states

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def database(keys_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """The database of the commands, in which a server has made its keys a day ago."""
    monkeypatch.setenv("GATEPOST_DATA_DIR", "/nonexistent")
    async with connected(keys_url, size=2) as opened:
        await a_server(opened, a_day_ago()).tend()
        yield opened


@pytest.fixture
async def log(keys_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the database of the commands, whose audit log is empty."""
    connection = await asyncpg.connect(keys_url)
    await connection.execute("DELETE FROM audit_events; DELETE FROM audit_pending")
    yield connection
    await connection.execute("DELETE FROM audit_events; DELETE FROM audit_pending")
    await connection.close()


def a_day_ago() -> Time:
    time = Time()
    time.now = datetime.now(UTC) - timedelta(days=1)
    return time


async def kid(database: Database, state: KeyState) -> str:
    found = await kid_of(database, state)
    assert found
    return found


async def test_the_list_says_what_comes_next_and_when(database: Database, keys_url: str) -> None:
    active, following = await all_notes(keys_url)

    assert (active.state, active.algorithm, active.age.days) == ("active", "EdDSA", 1)
    on = (datetime.now(UTC) + timedelta(days=29)).date().isoformat()
    assert active.coming.startswith(f"retires {on}")
    assert (following.state, following.coming.startswith(f"signs from {on}")) == ("next", True)


async def test_the_list_knows_the_settings_of_the_servers(
    database: Database, keys_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPOST_KEY_ROTATION_INTERVAL", "0")

    active, following = await all_notes(keys_url)

    assert active.coming == "signs until `gatepost keys rotate`"
    assert following.coming.startswith("may sign from ")


@pytest.mark.requirement(40)
async def test_a_next_key_that_is_ready_takes_over_at_once(database: Database, keys_url: str) -> None:
    following = await kid(database, KeyState.NEXT)

    rotation = await rotate(keys_url, at_once=False)

    assert (rotation.kid, rotation.done) == (following, True)
    assert await kid(database, KeyState.ACTIVE) == following
    retired = (await all_notes(keys_url))[-1]
    assert (retired.state, retired.coming.startswith("removed after ")) == ("retired", True)


@pytest.mark.requirement(40)
async def test_a_next_key_that_is_not_ready_takes_over_when_it_is(database: Database, keys_url: str) -> None:
    await rotate(keys_url, at_once=False)
    time = Time()
    time.now = datetime.now(UTC)
    server = a_server(database, time)
    await server.tend()  # makes a new next key
    before, following = await kid(database, KeyState.ACTIVE), await kid(database, KeyState.NEXT)

    rotation = await rotate(keys_url, at_once=False)

    assert (rotation.kid, rotation.done) == (following, False)
    assert timedelta(minutes=5) < rotation.at - time.now < timedelta(minutes=6)
    assert server.signing.kid == before
    time.now = rotation.at
    await server.tend()
    assert server.signing.kid == following


async def test_now_does_not_wait(database: Database, keys_url: str) -> None:
    await rotate(keys_url, at_once=False)
    time = Time()
    time.now = datetime.now(UTC)
    await a_server(database, time).tend()
    following = await kid(database, KeyState.NEXT)

    rotation = await rotate(keys_url, at_once=True)

    assert (rotation.kid, rotation.done) == (following, True)
    assert await kid(database, KeyState.ACTIVE) == following


async def test_a_key_is_made_under_the_sealing_keys_where_no_server_has(
    database: Database, keys_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rotate(keys_url, at_once=True)
    with pytest.raises(RefusalError, match=r"^GATEPOST_SEALING_KEYS is missing"):
        await rotate(keys_url, at_once=True)
    assert await states(database) == ["active", "retired"]

    monkeypatch.setenv("GATEPOST_SEALING_KEYS", key_ring("seal"))
    rotation = await rotate(keys_url, at_once=True)

    server = a_server(database, a_day_ago())
    await server.tend()
    assert server.signing.kid == rotation.kid


@pytest.mark.requirement(61)
async def test_whatever_is_done_to_a_key_is_audited_or_not_done(
    database: Database, keys_url: str, log: asyncpg.Connection
) -> None:
    first, second = await kid(database, KeyState.ACTIVE), await kid(database, KeyState.NEXT)
    async with refusing_events(log):
        for at_once in (True, False):
            with pytest.raises(RefusalError, match="the database"):
                await rotate(keys_url, at_once=at_once)
        with pytest.raises(RefusalError, match="the database"):
            await revoke(keys_url, first)
    assert await kid(database, KeyState.ACTIVE) == first

    await rotate(keys_url, at_once=False)
    time = Time()
    time.now = datetime.now(UTC)
    await a_server(database, time).tend()
    third = await kid(database, KeyState.NEXT)
    await rotate(keys_url, at_once=False)
    await revoke(keys_url, second)
    await revoke(keys_url, first)
    with pytest.raises(RefusalError, match="was revoked before"):
        await revoke(keys_url, first)

    assert await done_by_command(log) == [
        ("key-rotated", f"key:{second}"),
        ("key-rotation-asked", f"key:{third}"),
        ("key-revoked", f"key:{second}"),
        ("key-rotated", f"key:{third}"),
        ("key-revoked", f"key:{first}"),
    ]


@pytest.mark.requirement(40)
async def test_a_revoked_key_leaves_its_place_to_the_next_one(database: Database, keys_url: str) -> None:
    active, following = await kid(database, KeyState.ACTIVE), await kid(database, KeyState.NEXT)

    revoked = await revoke(keys_url, active)

    assert (revoked.was, revoked.promoted) == (KeyState.ACTIVE, following)
    assert [note.state for note in await all_notes(keys_url)] == ["active", "revoked"]


async def test_a_key_that_is_not_there_or_was_revoked_is_told(database: Database, keys_url: str) -> None:
    active = await kid(database, KeyState.ACTIVE)
    await revoke(keys_url, active)

    with pytest.raises(RefusalError, match=f"the key {active} was revoked before"):
        await revoke(keys_url, active)
    with pytest.raises(RefusalError, match="no key has the id abc; `gatepost keys list` shows them"):
        await revoke(keys_url, "abc")


async def test_a_shared_secret_is_not_rotated_here(
    database: Database, keys_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEPOST_SIGNING_ALGORITHM", "HS256")

    with pytest.raises(RefusalError, match="GATEPOST_JWT_SECRET_KEY"):
        await rotate(keys_url, at_once=True)


async def test_a_database_without_keys_is_told(database: Database, keys_url: str) -> None:
    await database.fetchrow("DELETE FROM signing_keys")

    assert await all_notes(keys_url) == []
    with pytest.raises(RefusalError, match="no key signs yet"):
        await rotate(keys_url, at_once=False)


async def test_the_commands_say_what_they_did(database: Database, keys_url: str) -> None:
    active, following = await kid(database, KeyState.ACTIVE), await kid(database, KeyState.NEXT)

    listed = run("keys", "list", GATEPOST_DATABASE_URL=keys_url).stdout.splitlines()
    rotated = run("keys", "rotate", GATEPOST_DATABASE_URL=keys_url).stdout
    revoked = run("keys", "revoke", following, GATEPOST_DATABASE_URL=keys_url).stdout

    assert [line.split()[:3] for line in listed] == [[active, "active", "EdDSA"], [following, "next", "EdDSA"]]
    assert rotated == f"{following} signs now; servers follow within about a second.\n"
    assert revoked.startswith(f"{following}, which was active, is revoked; servers refuse its tokens")
    assert "There was no next key" in revoked


def test_an_unknown_id_is_refused(database: Database, keys_url: str) -> None:
    assert "no key has the id abc-_d" in refusal_of("keys", "revoke", "abc-_d", GATEPOST_DATABASE_URL=keys_url)


@pytest.mark.slow
@pytest.mark.requirement(40)
def test_keys_are_rotated_and_revoked_under_a_running_installation(up: Up) -> None:
    def kids() -> list[str]:
        return [key["kid"] for key in call(f"{up.run['http_url']}/.well-known/jwks.json")[1]["keys"]]

    on_up = {"GATEPOST_DATA_DIR": str(up.folder)}
    active, following = kids()

    said = run("keys", "rotate", "--now", **on_up)
    assert said.stdout.startswith(f"{following} signs now"), said
    assert eventually(lambda: len(kids()) == 3 and kids()[0] == following and kids()[2] == active)
    third = kids()[1]
    assert run("keys", "revoke", following, **on_up).returncode == 0
    assert eventually(lambda: following not in kids() and kids()[0] == third)
    # Made by the command under the installation's secrets: the server opens it.
    run("keys", "rotate", "--now", **on_up)
    assert eventually(lambda: len(kids()) >= 3)
    assert "failed" not in (up.folder / "gatepost.log").read_text()
