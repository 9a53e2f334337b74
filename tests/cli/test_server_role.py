"""`gatepost migrate --server-role`: a server works with these rights, and cannot alter what the audit log holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import grpc
import pytest
from pydantic import SecretStr

from auth_server.app import running
from auth_server.settings import AuthServerSettings
from auth_server.storage.audit_rights import ONLY_ADDED_TO
from auth_server.storage.database import Database, connected
from auth_server.usecases.sweeping import Retention, Sweeping, sweeps_of
from gatepost.v1 import audit_service_pb2, export_pb2, users_service_pb2
from tests.audit import chaining, now, verification
from tests.cli.command import refusal_of, run
from tests.conftest import ADAPTER_SECRET
from tests.people import People, refresh, refused

pytestmark = pytest.mark.timeout(180)
ROLE = "server of tests"


@pytest.fixture
async def role(owner_connection: asyncpg.Connection, database_url: str) -> AsyncIterator[str]:
    """The URL by which the servers' role reaches the tests' database, its rights granted."""
    await owner_connection.execute(f'CREATE ROLE "{ROLE}" LOGIN')
    granted = run("migrate", "--server-role", ROLE, GATEPOST_DATABASE_URL=database_url)
    assert granted.returncode == 0, granted.stderr
    assert "none to alter audit events" in granted.stdout
    yield database_url.replace("//postgres", f"//{ROLE.replace(' ', '%20')}")
    await owner_connection.execute(f'DROP OWNED BY "{ROLE}"; DROP ROLE "{ROLE}"')


@pytest.mark.requirement(62)
async def test_a_server_works_with_these_rights(role: str, settings: AuthServerSettings, db: Database) -> None:
    own = AuthServerSettings(**settings.model_dump(exclude={"database_url"}), database_url=SecretStr(role))
    async with running(own) as server, grpc.aio.insecure_channel(server.grpc_target) as channel:
        people = People(channel, ADAPTER_SECRET)
        ann = await people.signed_in()
        await refresh(people, ann.refresh_token)
        await people.a_session(ann.id)
        await people.an_account(ann.id)
        ann = await people.signed_in()
        with refused("CREDENTIALS_INVALID"):
            await people.login(ann.email, "wrong password")
        export = people.users.ExportUser(export_pb2.ExportUserRequest(id=ann.id), metadata=ann.bearer)
        assert [record async for record in export]
        await people.users.DeleteUser(users_service_pb2.DeleteUserRequest(id=ann.id), metadata=ann.bearer)
        with refused("PERMISSION_DENIED"):
            bob = await people.signed_in()
            await people.audit.ListEvents(audit_service_pb2.ListEventsRequest(), metadata=bob.bearer)


@pytest.mark.requirement(62)
async def test_every_sweep_and_the_chain_work_with_these_rights(
    role: str, db: Database, sql: asyncpg.Connection
) -> None:
    async with connected(role, size=2) as own:
        chained = 0
        while not chained:  # the tests' server may be there first
            await sql.execute("INSERT INTO audit_events (at, event) VALUES (now() - interval '99 days', 'tested')")
            chained = await chaining(own).turn()
        assert (await verification(own).verdict()).faults == []
        await sql.execute("UPDATE audit_checkpoints SET at = at - interval '99 days'")
        async with asyncio.timeout(20):
            while await sql.fetchval("SELECT count(*) FROM audit_events"):  # the tests' server may hold the chain
                for sweep in sweeps_of(Retention(timedelta(days=30), timedelta(days=30))):
                    await Sweeping(own, now).turn(sweep)


@pytest.mark.requirement(62)
async def test_the_role_can_alter_nothing_that_the_log_holds(
    role: str, db: Database, sql: asyncpg.Connection, subtests: pytest.Subtests
) -> None:
    await sql.execute("INSERT INTO audit_events (at, event) VALUES (now() - interval '20 days', 'tested')")
    await chaining(db).turn()
    attempts = [
        statement.format(table)
        for table in ONLY_ADDED_TO
        for statement in ("DELETE FROM {}", "TRUNCATE {}", "ALTER TABLE {} DISABLE TRIGGER ALL", "DROP TABLE {}")
    ]
    attempts += [f"UPDATE {table} SET {column} = {column}" for table, column in zip(
        ONLY_ADDED_TO, ("event", "hash", "hash", "sealed"), strict=True)]  # fmt: skip
    attempts += [
        "CREATE TABLE mine (id int)",
        "CREATE FUNCTION min(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1'",
        "SET ROLE postgres",
        "DROP FUNCTION drop_audit_events",
        "CREATE OR REPLACE FUNCTION queue_audit_event() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "DELETE FROM schema_migrations",
    ]
    connection = await asyncpg.connect(role)
    for attempt in attempts:
        with subtests.test(attempt), pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(attempt)
    # What it may call drops nothing young, nor from tables of its own making.
    await connection.execute("CREATE TEMP TABLE audit_checkpoints AS SELECT 1 AS position")
    assert await connection.fetchval("SELECT drop_audit_events(now() + interval '9 years', 100)") == 0
    await connection.close()

    assert await sql.fetchval("SELECT count(*) FROM audit_events") == 1


async def test_a_role_that_is_not_there_or_can_do_more_is_refused(
    database_url: str, owner_connection: asyncpg.Connection, role: str
) -> None:
    """In which ways it can, tests/storage/test_audit_rights.py has."""

    def said(name: str) -> str:
        return refusal_of("migrate", "--server-role", name, GATEPOST_DATABASE_URL=database_url)

    assert 'CREATE ROLE "nobody"' in said("nobody")
    assert "it is a superuser" in said("postgres")
    await owner_connection.execute("GRANT DELETE ON audit_links TO PUBLIC")
    by_public = said(ROLE)
    await owner_connection.execute("REVOKE DELETE ON audit_links FROM PUBLIC")
    assert "it may DELETE audit_links. Take a role of its own" in by_public
