"""`gatepost users import`: what an operator brings along from another system."""

from __future__ import annotations

import json
from pathlib import Path

import asyncpg
import pytest

from auth_server.settings import AuthServerSettings
from tests.cli.command import refusal_of, run
from tests.domain.test_imported_hashes import BCRYPT, PASSWORD
from tests.domain.test_kept_hashes import PBKDF2
from tests.people import People

pytestmark = pytest.mark.timeout(180)

ADA = {
    "id": "018f2d3a-0000-7000-8000-0000000000ad",
    "email": "ada@example.com",
    "email_verified": "2024-05-01T10:00:00Z",
    "password_hash": PBKDF2,
    "name": "Ada",
    "locale": "fr-CA",
    "image": "https://example.com/ada.png",
    "created_at": "2020-02-03T04:05:06+01:00",
    "company_name": "Engines",
    "founded_year": 1833,
}
BOB = {"email": "bob@example.com", "email_verified": True, "disabled": True}
CID = {"email": "cid@example.com"}


@pytest.fixture
def here(sql: asyncpg.Connection, settings: AuthServerSettings) -> dict[str, str]:
    """The settings of the command, on an empty database."""
    url, peppers = settings.database_url.get_secret_value(), settings.peppers.get_secret_value()
    return {"GATEPOST_DATABASE_URL": url, "GATEPOST_PEPPERS": peppers, "GATEPOST_DATA_DIR": "/nonexistent"}


def a_file(folder: Path, *records: object, name: str = "users.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(each + "\n" if isinstance(each, str) else json.dumps(each) + "\n" for each in records))
    return path


def report_of(path: Path) -> dict[int, str]:
    lines = path.with_name(f"{path.name}.refused.jsonl").read_text().splitlines()
    return {each["line"]: each["reason"] for each in map(json.loads, lines)}


async def emails(sql: asyncpg.Connection) -> list[str]:
    return [row["email"] for row in await sql.fetch("SELECT email FROM users ORDER BY email")]


@pytest.mark.requirement(24)
async def test_a_file_of_users_is_imported_and_they_log_in(
    tmp_path: Path, here: dict[str, str], people: People, sql: asyncpg.Connection
) -> None:
    ended = run("users", "import", str(a_file(tmp_path, ADA, BOB, "", CID)), **here)

    assert ended.returncode == 0, ended.stderr
    assert "3 records: 3 users imported, 0 there already, 0 refused." in ended.stdout
    ada, bob, cid = await sql.fetch("SELECT * FROM users ORDER BY email")
    assert str(ada["id"]) == ADA["id"]
    assert ada["email_verified"].isoformat() == "2024-05-01T10:00:00+00:00"
    assert ada["created_at"].isoformat() == "2020-02-03T03:05:06+00:00"
    assert (ada["name"], ada["locale"], ada["image"]) == ("Ada", "fr-CA", ADA["image"])
    assert json.loads(ada["profile"]) == {"company_name": "Engines", "founded_year": 1833}
    assert (await people.login("ada@example.com", PASSWORD)).id == ADA["id"]
    assert bob["disabled_at"] is not None
    assert bob["email_verified"] is not None
    assert (cid["password_hash"], cid["name"], cid["email_verified"], cid["disabled_at"]) == (None,) * 4
    events = await sql.fetch("SELECT user_id, caller FROM audit_events WHERE event = 'user-imported'")
    assert {(row["user_id"], row["caller"]) for row in events} == {(each["id"], "command") for each in (ada, bob, cid)}


@pytest.mark.requirement(24)
async def test_csv_brings_the_same(
    tmp_path: Path, here: dict[str, str], people: People, sql: asyncpg.Connection
) -> None:
    hashed = "$argon2id$v=19$m=256,t=2,p=2$XTVL1dBsWFTXOfR8hDjEUg$GdCWYiDLoYedERMlNvkjj6nak2vQ3p95J3+lMJ3j89Q"
    path = tmp_path / "users.csv"
    path.write_text(
        "\ufeffemail,password_hash,email_verified,name,founded_year\r\n"
        f'ada@example.com,"{hashed}",true,"Ada\r\nLovelace",1833\r\n'
        f"bob@example.com,{hashed},true,Bob,1800\r\n"
        "cid@example.com,,,,\r\n"
    )

    ended = run("users", "import", str(path), **here)

    assert ended.returncode == 1
    assert report_of(path) == {4: "it has 7 fields instead of 5; fields with a comma stand in quotes"}
    assert await emails(sql) == ["ada@example.com", "cid@example.com"]
    assert await sql.fetchval("SELECT name FROM users WHERE email LIKE 'ada%'") == "Ada\r\nLovelace"
    assert (await people.login("ada@example.com", PASSWORD)).id


@pytest.mark.requirement(24)
async def test_refused_records_are_told_by_their_lines_and_without_their_content(
    tmp_path: Path, here: dict[str, str], sql: asyncpg.Connection
) -> None:
    refused: list[tuple[object, str]] = [
        ('{"email": "x@example.com"', "it is not JSON"),
        ("[1]", "it is not a JSON object"),
        ('{"email": "\\ud800@example.com"}', "it is not JSON"),
        ({"name": "Nobody"}, "email: "),
        ({"email": "no address"}, "email: "),
        ({"email": 5}, "email is of the wrong type"),
        ({**CID, "role": "operator"}, "'role' is no field"),
        ({**CID, "id": "17"}, "id is no UUID"),
        ({**CID, "name": "N\0"}, "name: "),
        ({**CID, "image": "N\0"}, "image: "),
        ({**CID, "locale": "de_DE"}, "locale: "),
        ({**CID, "founded_year": "long ago"}, "founded_year is of the wrong type"),
        ({**CID, "founded_year": -1}, "founded_year: "),
        ({**CID, "email_verified": "perhaps"}, "email_verified is no time of RFC 3339"),
        ({**CID, "disabled": 1}, "disabled is neither true nor false"),
        ({**CID, "created_at": "2020-02-03T04:05:06"}, "created_at has no time zone"),
        ({**CID, "created_at": "9999-12-31T23:59:59-23:00"}, "created_at is no time"),
        ({**CID, "password_hash": "$2b$31$" + BCRYPT}, "password_hash: its cost is 31"),
        ({**CID, "password_hash": "plain secret"}, "password_hash: its format is not known"),
        ({**CID, "name": "x" * 70_000}, "it is longer than 65536 bytes"),
    ]
    path = a_file(tmp_path, BOB, *(record for record, _ in refused), {**ADA, "email": "BOB@example.com"})

    ended = run("users", "import", str(path), **here)

    told = report_of(path)
    assert ended.returncode == 1
    assert "22 records: 1 users imported, 1 there already, 20 refused." in ended.stdout
    assert sorted(told) == list(range(2, 23))
    assert [told[line] for line, (_, why) in enumerate(refused, 2) if not told[line].startswith(why)] == []
    assert told[22].startswith("a user with this id or email is there already")
    assert "plain secret" not in json.dumps(told)
    assert await emails(sql) == ["bob@example.com"]


@pytest.mark.requirement(24)
async def test_an_import_that_stopped_goes_on_where_it_stopped(
    tmp_path: Path, here: dict[str, str], sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepost_cli.users_import.BATCH", 2)
    path = a_file(tmp_path, *({"email": f"{name}@example.com"} for name in ("a", "a", "b", "c", "d")), "wrong")
    await sql.execute("ALTER TABLE users ADD CONSTRAINT stops CHECK (email <> 'd@example.com')")
    try:
        stopped = refusal_of("users", "import", str(path), **here)
        between = await emails(sql)
        await sql.execute("DELETE FROM users WHERE email = 'b@example.com'")
    finally:
        await sql.execute("ALTER TABLE users DROP CONSTRAINT stops")

    ended = run("users", "import", str(path), **here)
    again = run("users", "import", str(path), **here)

    assert "refuses" in stopped
    assert between == ["a@example.com", "b@example.com", "c@example.com"]
    assert "It went on behind record 4. 6 records: 4 users imported, 1 there already, 1 refused." in ended.stdout
    assert await emails(sql) == ["a@example.com", "c@example.com", "d@example.com"]  # b is not imported twice
    assert sorted(report_of(path)) == [2, 6]
    assert "nothing was left to do" in again.stdout


@pytest.mark.requirement(24)
async def test_users_who_are_there_are_left_alone(
    tmp_path: Path, here: dict[str, str], people: People, sql: asyncpg.Connection
) -> None:
    signed_in = await people.signed_in(email="ada@example.com")

    ended = run("users", "import", str(a_file(tmp_path, ADA, {**BOB, "id": signed_in.id})), **here)

    assert "2 records: 0 users imported, 2 there already, 0 refused." in ended.stdout
    assert (await people.login("ada@example.com")).id == signed_in.id
    assert await emails(sql) == ["ada@example.com"]


async def test_a_file_can_be_checked_without_a_database(tmp_path: Path, sql: asyncpg.Connection) -> None:
    path = a_file(tmp_path, ADA, BOB, "wrong")

    ended = run("users", "import", str(path), "--check", GATEPOST_DATA_DIR="/nonexistent")

    assert ended.returncode == 1
    assert "3 records: 2 are good, 1 would be refused." in ended.stdout
    assert report_of(path) == {3: "it is not JSON"}


async def test_what_cannot_be_imported_is_told(tmp_path: Path, here: dict[str, str]) -> None:
    good, table = a_file(tmp_path, CID), a_file(tmp_path, CID, name="users.txt")
    headless = a_file(tmp_path, "name,name", name="users.csv")

    assert "neither a .jsonl nor a .csv file" in refusal_of("users", "import", str(table), **here)
    assert "the first line must name the columns" in refusal_of("users", "import", str(headless), **here)
    assert "GATEPOST_PEPPERS is missing" in refusal_of("users", "import", str(good), **{**here, "GATEPOST_PEPPERS": ""})
    assert "cannot be read" in refusal_of("users", "import", str(good), **{**here, "GATEPOST_PEPPERS": "x"})
