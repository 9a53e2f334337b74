"""The rights of the servers' own role: all that they need, and none to alter what the audit log holds."""

from __future__ import annotations

import asyncpg

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.storage.database import UNREACHABLE
from auth_server.storage.database_url import connection_options

ONLY_ADDED_TO = ("audit_events", "audit_links", "audit_checkpoints", "audit_signing_keys")
ONLY_READ = ("schema_migrations",)


class RoleUnfitError(Exception):
    """The role would have more rights than the servers may have; the text says why, and what to do."""


async def grant(url: str, role: str) -> None:
    """Gives the role its rights to every table there is, and takes others that it had; again after each migration.

    Raises:
        RoleUnfitError: there is no such role, or it has rights that no grant takes away.
        DatabaseUnavailableError: the database cannot be reached, or refuses the user.
    """
    try:
        connection = await asyncpg.connect(**connection_options(url, "gatepost migrate"))
    except (*UNREACHABLE, asyncpg.PostgresError, ValueError) as error:
        raise DatabaseUnavailableError from error
    try:
        async with connection.transaction():
            await _grant(connection, role)
    finally:
        await connection.close()


async def _grant(connection: asyncpg.Connection, role: str) -> None:
    schema = str(await connection.fetchval("SELECT current_schema()"))
    await _check(connection, role, schema)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1", schema)
    name, inside = _quoted(role), _quoted(schema)
    await connection.execute(f"GRANT USAGE ON SCHEMA {inside} TO {name}")
    await connection.execute(f"REVOKE CREATE ON SCHEMA {inside} FROM {name}")
    for row in rows:
        table = f"{inside}.{_quoted(row['tablename'])}"
        await connection.execute(f"REVOKE ALL ON {table} FROM {name}")
        await connection.execute(f"GRANT {_rights_to(row['tablename'])} ON {table} TO {name}")
    await connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {inside} TO {name}")
    await connection.execute(f"GRANT EXECUTE ON FUNCTION {inside}.drop_audit_events(timestamptz, bigint) TO {name}")
    await _check_after(connection, role, schema)


def _rights_to(table: str) -> str:
    if table in ONLY_READ:
        return "SELECT"
    return "SELECT, INSERT" if table in ONLY_ADDED_TO else "SELECT, INSERT, UPDATE, DELETE"


async def _check(connection: asyncpg.Connection, role: str, schema: str) -> None:
    """That grants say all that the role may do: it is no superuser, and no owner of what it must not alter."""
    found = await connection.fetchrow("SELECT oid, rolsuper FROM pg_roles WHERE rolname = $1", role)
    if found is None:
        raise RoleUnfitError(f"there is no role {role}: make it by CREATE ROLE {_quoted(role)} LOGIN PASSWORD '…'")
    if found["rolsuper"]:
        raise RoleUnfitError(f"{role} is a superuser, who may do everything whatever is granted; take another role")
    owners = await connection.fetch(
        """
        SELECT DISTINCT tableowner
          FROM pg_tables
         WHERE schemaname = $2
           AND pg_has_role($1, tableowner, 'MEMBER')
        """,
        role,
        schema,
    )
    if owners:
        raise RoleUnfitError(
            f"{role} owns tables of the database, or may act as their owner {owners[0]['tableowner']}; take a role of"
            " its own, and migrate as another one"
        )


async def _check_after(connection: asyncpg.Connection, role: str, schema: str) -> None:
    """That no other grant, such as one to everybody or to a group, gives what was just left out."""
    for table in ONLY_ADDED_TO:
        for right in ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"):
            qualified = f"{_quoted(schema)}.{_quoted(table)}"
            if await connection.fetchval("SELECT has_table_privilege($1, $2, $3)", role, qualified, right):
                raise RoleUnfitError(f"{role} has {right} on {table} by a group or by PUBLIC; revoke it there")
    if await connection.fetchval("SELECT has_schema_privilege($1, $2, 'CREATE')", role, schema):
        raise RoleUnfitError(
            f"{role} may create in the schema {schema}, as everybody may; run REVOKE CREATE ON SCHEMA"
            f" {_quoted(schema)} FROM PUBLIC"
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
