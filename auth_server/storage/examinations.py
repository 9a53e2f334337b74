"""What an examination of a deployment asks the database: its clock, its role, and what lies under which key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from auth_server.storage.audit_rights import AuditRight, over_audit
from auth_server.storage.database import Db


@dataclass(frozen=True, slots=True)
class Connection:
    """How this connection stands to the database."""

    now: datetime
    """The database's clock, as the statement runs."""
    role: str
    becomes_superuser: str
    """A superuser whom the role is, or may become by SET ROLE; empty where there is none."""
    powers: tuple[str, ...]
    """What else the role may that no server needs: CREATEROLE, CREATEDB, REPLICATION, BYPASSRLS."""
    alters_audit: tuple[AuditRight, ...]
    """What lets the role alter or remove audit events."""
    is_local: bool
    is_encrypted: bool
    tells_rows: bool
    """Whether its log shows the rows of failed statements."""
    is_standby: bool


@dataclass(frozen=True, slots=True)
class OutboxStanding:
    """How the mails fare that are not sent."""

    waiting: int
    dead: int
    most_overdue: datetime | None
    """When the mail was due that has waited longest behind its time."""


async def connection(db: Db) -> Connection:
    """How this connection stands to the database."""
    row = await db.fetchrow(
        """
        SELECT clock_timestamp() AS now, rolname, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
               COALESCE((SELECT min(other.rolname)
                           FROM pg_roles AS other
                          WHERE pg_has_role(other.oid, 'MEMBER')
                            AND (other.rolsuper OR other.rolname IN ('pg_write_server_files',
                                                                     'pg_execute_server_program'))), '') AS superuser,
               COALESCE(inet_server_addr() <<= inet '127.0.0.0/8' OR inet_server_addr() = inet '::1', true) AS local,
               COALESCE((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
               current_setting('log_error_verbosity') <> 'terse' AS tells_rows,
               pg_is_in_recovery() AS standby
          FROM pg_roles
         WHERE rolname = current_user
        """
    )
    powers = {
        "CREATEROLE": row["rolcreaterole"],
        "CREATEDB": row["rolcreatedb"],
        "REPLICATION": row["rolreplication"],
        "BYPASSRLS": row["rolbypassrls"],
    }
    return Connection(
        now=row["now"],
        role=row["rolname"],
        becomes_superuser=row["superuser"],
        powers=tuple(name for name, has in powers.items() if has),
        alters_audit=tuple(await over_audit(db, row["rolname"])),
        is_local=row["local"],
        is_encrypted=row["encrypted"],
        tells_rows=row["tells_rows"],
        is_standby=row["standby"],
    )


async def peppers(db: Db) -> Mapping[str, int]:
    """How many users have a password, or an imported hash of one, under each pepper's id."""
    rows = await db.fetch(
        """
        SELECT split_part(password_hash, '$', 2) AS key_id, count(*) AS many
          FROM users
         WHERE password_hash IS NOT NULL
         GROUP BY key_id
        """
    )
    return {row["key_id"]: row["many"] for row in rows}


async def sealing_keys(db: Db) -> Mapping[str, int]:
    """How many accounts, mails, second factors and keys of the audit log are sealed under each key's id.

    The id is in the head of what is sealed.
    """
    rows = await db.fetch(
        """
        SELECT substr(sealed, 3, get_byte(sealed, 1)) AS key_id, count(*) AS many
          FROM (SELECT sealed FROM accounts
                 UNION ALL
                SELECT sealed FROM outbox WHERE sealed IS NOT NULL
                 UNION ALL
                SELECT sealed_secret FROM second_factors
                 UNION ALL
                SELECT sealed FROM audit_keys
                 UNION ALL
                SELECT sealed FROM audit_signing_keys) AS everything
         WHERE length(sealed) > 2
         GROUP BY key_id
        """
    )
    return {row["key_id"].decode("utf-8", errors="replace"): row["many"] for row in rows}


async def outbox(db: Db, now: datetime) -> OutboxStanding:
    """How the mails fare that are not sent."""
    row = await db.fetchrow(
        """
        SELECT count(*) FILTER (WHERE dead_at IS NULL) AS waiting,
               count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead,
               min(due_at) FILTER (WHERE dead_at IS NULL AND due_at < $1) AS most_overdue
          FROM outbox
        """,
        now,
    )
    return OutboxStanding(row["waiting"], row["dead"], row["most_overdue"])
