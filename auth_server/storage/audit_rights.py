"""What a role could do to the audit log: by itself, by a group or PUBLIC, and as any role that it may become."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.storage.database import Db

ONLY_ADDED_TO = ("audit_events", "audit_links", "audit_checkpoints", "audit_signing_keys")


@dataclass(frozen=True, slots=True)
class AuditRight:
    """One thing that the role may do."""

    role: str
    """As whom: itself, or a role that it may become by SET ROLE, which no look at its own rights shows."""
    what: str
    """Such as `DELETE audit_links`; behind the word `may`."""


async def over_audit(db: Db, role: str) -> list[AuditRight]:
    """All that lets the role alter or remove what the log holds; none for one that may only add to it.

    The owner of a schema may drop the tables of others in it. A role that may create anywhere could stand tables
    and functions of its own in for those that statements name, as it may change its own search_path for ever. Until
    PostgreSQL 15 CREATEROLE gives itself any role that is no superuser.
    """
    rows = await db.fetch(
        """
        WITH acting AS (
            SELECT oid, rolname, rolsuper, rolcreaterole
              FROM pg_roles
             WHERE pg_has_role($1, oid, 'MEMBER')
        ), audited AS (
            SELECT oid, relname, relowner
              FROM pg_class
             WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
               AND relname = ANY ($2::text[])
        )
        SELECT rolname AS role, what
          FROM acting, LATERAL (
              SELECT 1 AS rank, 'do everything: it is a superuser' AS what
               WHERE rolsuper
               UNION ALL
              SELECT 2, 'make roles, and give itself any (CREATEROLE)'
               WHERE rolcreaterole
               UNION ALL
              SELECT 2, 'write files or run programs as PostgreSQL itself'
               WHERE rolname IN ('pg_write_server_files', 'pg_execute_server_program')
               UNION ALL
              SELECT 3, 'drop what is in the schema ' || nspname || ', which it owns'
                FROM pg_namespace
               WHERE nspname = current_schema() AND nspowner = acting.oid
               UNION ALL
              SELECT 4, 'create schemas'
               WHERE has_database_privilege(acting.oid, current_database(), 'CREATE')
               UNION ALL
              SELECT 4, 'create in the schema ' || nspname
                FROM pg_namespace
               WHERE (has_schema_privilege(acting.oid, pg_namespace.oid, 'CREATE') OR nspowner = acting.oid)
                 AND nspname !~ '^pg_'
               UNION ALL
              SELECT 5, 'do everything with ' || relname || ', which it owns'
                FROM audited
               WHERE relowner = acting.oid
               UNION ALL
              SELECT 6, held || ' ' || relname
                FROM audited, unnest(ARRAY['DELETE', 'TRIGGER', 'TRUNCATE']) AS held
               WHERE has_table_privilege(acting.oid, audited.oid, held)
               UNION ALL
              SELECT 6, 'UPDATE ' || relname
                FROM audited
               WHERE has_any_column_privilege(acting.oid, audited.oid, 'UPDATE')
          ) AS found
         ORDER BY rank, rolname <> $1, what, role
        """,
        role,
        list(ONLY_ADDED_TO),
    )
    return [AuditRight(row["role"], row["what"]) for row in rows]
