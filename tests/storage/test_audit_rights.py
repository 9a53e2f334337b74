"""Whatever lets a role alter the audit log is found, also what no look at its own grants shows."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from auth_server.storage import audit_rights, server_role
from auth_server.storage.database import connected
from auth_server.storage.examinations import connection
from auth_server.storage.server_role import RoleUnfitError

ROLE = "sly"
# What is done for the role, what it may do then, and what undoes it.
WAYS = {
    "a superuser's member": ("GRANT postgres TO sly", "as postgres it may do everything", "REVOKE postgres FROM sly"),
    "the schema's owner": (
        "ALTER SCHEMA public OWNER TO sly",
        "drop what is in the schema public, which it owns",
        "ALTER SCHEMA public OWNER TO pg_database_owner",
    ),
    "the database's owner": (
        "ALTER DATABASE keys_of_tests OWNER TO sly",
        "as pg_database_owner it may drop what is in the schema public",
        "ALTER DATABASE keys_of_tests OWNER TO postgres",
    ),
    "a table's owner": (
        "ALTER TABLE audit_links OWNER TO sly",
        "do everything with audit_links, which it owns",
        "ALTER TABLE audit_links OWNER TO postgres",
    ),
    "one who makes roles": ("ALTER ROLE sly CREATEROLE", "CREATEROLE", "ALTER ROLE sly NOCREATEROLE"),
    "one who runs programs": (
        "GRANT pg_execute_server_program TO sly",
        "run programs as PostgreSQL",
        "REVOKE pg_execute_server_program FROM sly",
    ),
    "a member of who writes all": (
        "GRANT pg_write_all_data TO sly",
        "as pg_write_all_data it may DELETE audit_checkpoints",
        "REVOKE pg_write_all_data FROM sly",
    ),
    "a member of a group of a group": (
        "CREATE ROLE far; CREATE ROLE near NOINHERIT; GRANT far TO near; GRANT near TO sly;"
        "GRANT TRUNCATE ON audit_events TO far",
        "as far it may TRUNCATE audit_events",
        "DROP OWNED BY far; DROP ROLE far, near",
    ),
    "everybody, of one column": (
        "GRANT UPDATE (outcome) ON audit_events TO PUBLIC",
        "UPDATE audit_events",
        "REVOKE UPDATE (outcome) ON audit_events FROM PUBLIC",
    ),
    "everybody, by triggers": (
        "GRANT TRIGGER ON audit_events TO PUBLIC",
        "TRIGGER audit_events",
        "REVOKE TRIGGER ON audit_events FROM PUBLIC",
    ),
    "one who creates schemas": (
        "GRANT CREATE ON DATABASE keys_of_tests TO sly",
        "it may create schemas",
        "REVOKE CREATE ON DATABASE keys_of_tests FROM sly",
    ),
    "one who creates elsewhere": (
        "CREATE SCHEMA elsewhere; GRANT CREATE ON SCHEMA elsewhere TO PUBLIC",
        "create in the schema elsewhere",
        "DROP SCHEMA elsewhere",
    ),
    "the owner of another schema": (
        "CREATE SCHEMA elsewhere AUTHORIZATION sly; REVOKE CREATE ON SCHEMA elsewhere FROM sly",
        "create in the schema elsewhere",
        "DROP SCHEMA elsewhere",
    ),
    "everybody, in the schema": (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "create in the schema public",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ),
}


@pytest.fixture
async def owner(keys_database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the tables' owner, beside a role that uses no right of its groups unless it becomes them."""
    owner = await asyncpg.connect(keys_database)
    await owner.execute(f"CREATE ROLE {ROLE} LOGIN NOINHERIT")
    yield owner
    await owner.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
    await owner.close()


@pytest.mark.requirement(62)
async def test_a_role_that_could_alter_the_log_is_refused_and_told_of(
    keys_database: str, owner: asyncpg.Connection, subtests: pytest.Subtests
) -> None:
    await server_role.grant(keys_database, ROLE)
    for what, (way, said, back) in WAYS.items():
        with subtests.test(what):
            await owner.execute(way)
            try:
                with pytest.raises(RoleUnfitError) as refusal:
                    await server_role.grant(keys_database, ROLE)
                async with connected(keys_database.replace("postgres@", f"{ROLE}@"), size=1) as db:
                    seen = await connection(db)
            finally:
                await owner.execute(back)
            assert said in str(refusal.value)
            assert seen.alters_audit
            assert bool(seen.becomes_superuser) == ("superuser" in what or "programs" in what)


@pytest.mark.requirement(62)
async def test_a_role_as_granted_has_no_way(keys_database: str, owner: asyncpg.Connection) -> None:
    await owner.execute(f"GRANT UPDATE (outcome), DELETE ON audit_events TO {ROLE}")
    await owner.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")

    await server_role.grant(keys_database, ROLE)

    assert await audit_rights.over_audit(owner, ROLE) == []
    own = await asyncpg.connect(keys_database.replace("postgres@", f"{ROLE}@"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await own.execute("SELECT setval('audit_events_id_seq', 1)")
    await own.execute("INSERT INTO audit_events (at, event) VALUES (now(), 'tested')")
    await own.close()
