"""The rights of the servers' own role: all that they need, and none to alter what the audit log holds."""

from __future__ import annotations

import asyncpg

from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.storage.audit_rights import ONLY_ADDED_TO, over_audit
from auth_server.storage.database import UNREACHABLE
from auth_server.storage.database_url import connection_options

ONLY_READ = ("schema_migrations",)
MOST_TOLD = 3


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
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
        raise RoleUnfitError(f"there is no role {role}: make it by CREATE ROLE {_quoted(role)} LOGIN PASSWORD '…'")
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1", schema)
    name, inside = _quoted(role), _quoted(schema)
    await connection.execute(f"GRANT USAGE ON SCHEMA {inside} TO {name}")
    await connection.execute(f"REVOKE CREATE ON SCHEMA {inside} FROM {name}")
    for row in rows:
        table = f"{inside}.{_quoted(row['tablename'])}"
        await connection.execute(f"REVOKE ALL ON {table} FROM {name}")
        await connection.execute(f"GRANT {_rights_to(row['tablename'])} ON {table} TO {name}")
    # Not to set one back, so that no event finds its number taken.
    await connection.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {inside} FROM {name}")
    await connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {inside} TO {name}")
    await connection.execute(f"GRANT EXECUTE ON FUNCTION {inside}.drop_audit_events(timestamptz, bigint) TO {name}")
    await _check(connection, role)


def _rights_to(table: str) -> str:
    if table in ONLY_READ:
        return "SELECT"
    return "SELECT, INSERT" if table in ONLY_ADDED_TO else "SELECT, INSERT, UPDATE, DELETE"


async def _check(connection: asyncpg.Connection, role: str) -> None:
    """That grants say all that the role may do, and that no other grant gives what was just left out."""
    rights = await over_audit(connection, role)
    if not rights:
        return
    said = "; ".join(
        f"as {right.role} " * (right.role != role) + f"it may {right.what}" for right in rights[:MOST_TOLD]
    )
    more = f"; and {len(rights) - MOST_TOLD} more" if len(rights) > MOST_TOLD else ""
    raise RoleUnfitError(
        f"{role} could alter the audit log whatever is granted here: {said}{more}. Take a role of its own, which owns"
        " nothing and belongs to no such group, and revoke what PUBLIC has (such as REVOKE CREATE ON SCHEMA public FROM"
        " PUBLIC)"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
