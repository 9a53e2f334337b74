"""Checks the database: its schema, its clock, the role of the servers, its log, the mails that wait in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from auth_server.domain.key_lives import CLOCK_SKEW
from auth_server.storage import examinations, migrations
from auth_server.usecases.audit_verification import number_waiting
from gatepost_cli.doctor.findings import Finding, fail, ok, warn
from gatepost_cli.doctor.reach import leaves_the_machine_unverified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from auth_server.storage.database import Db
    from auth_server.storage.examinations import Connection

NOTABLE_SKEW = timedelta(seconds=1)
NOTABLE_LAG = timedelta(minutes=5)
"""A mail that is due leaves at once, and within two minutes where the worker that had it died."""
BAD_LAG = timedelta(hours=1)


async def schema(url: str) -> Finding:
    """Whether all migrations are applied.

    Raises:
        DatabaseUnavailableError, MigrationChangedError: as `pending`.
    """
    missing = await migrations.pending(url)
    if missing:
        return fail("migrations", f"{len(missing)} are missing: {', '.join(missing)}", "run `gatepost migrate`")
    return ok("migrations", "all are applied")


async def standing(db: Db, clock: Callable[[], datetime], url: str) -> list[Finding]:
    """What the database at this URL says of itself and of us, whose clock this is."""
    asked = clock()
    connection = await examinations.connection(db)
    answered = clock()
    # Its clock was read somewhere in between; what that leaves open is in its favour.
    skew = max(connection.now - answered, asked - connection.now, timedelta(0))
    return [_clock(skew), *_role(connection), *_reached(connection, url)]


async def audit_log(db: Db, now: datetime) -> Finding:
    """Whether the audit log's chain grows."""
    waiting = await number_waiting(db, now)
    if waiting:
        return fail(
            "audit log",
            f"{waiting} events have waited for their place in the chain for minutes: it does not grow",
            "see that a server runs, its log for `background work failed`, and what `gatepost audit verify` says",
        )
    return ok("audit log", "every event gets its place in the chain")


async def mails(db: Db, now: datetime) -> list[Finding]:
    """Whether mails leave."""
    outbox = await examinations.outbox(db, now)
    lag = now - outbox.most_overdue if outbox.most_overdue else timedelta(0)
    return [_lag(outbox.waiting, lag), _dead(outbox.dead)]


def _clock(skew: timedelta) -> Finding:
    seconds = f"{skew.total_seconds():.1f} s apart"
    todo = "let both machines follow NTP"
    if skew > CLOCK_SKEW:
        return fail("clock", f"this machine's and the database's are {seconds}: tokens are refused, or live on", todo)
    if skew > NOTABLE_SKEW:
        return warn("clock", f"this machine's and the database's are {seconds}", todo)
    return ok("clock", "this machine's and the database's agree")


def _role(connection: Connection) -> Iterator[Finding]:
    if connection.becomes_superuser:
        own = connection.becomes_superuser == connection.role
        yield fail(
            "database role",
            f"{connection.role} {'is a superuser' if own else f'may act as {connection.becomes_superuser}'}: whoever"
            " takes over a server owns the database's machine",
            "make a role for the servers that is none, and give it their rights by `gatepost migrate --server-role`",
        )
    elif connection.powers:
        yield warn(
            "database role",
            f"{connection.role} has {', '.join(connection.powers)}, which no server needs",
            f"ALTER ROLE {connection.role} with NO before each of them",
        )
    else:
        yield ok("database role", f"{connection.role} is no superuser and makes no roles")
    if connection.alters_audit:
        right = connection.alters_audit[0]
        as_whom = "" if right.role == connection.role else f" as {right.role}"
        yield warn(
            "audit rights",
            f"{connection.role} may{as_whom} {right.what}: whoever takes over a server can take their traces away",
            "let the servers connect as a role that has its rights by `gatepost migrate --server-role`",
        )
    else:
        yield ok("audit rights", f"{connection.role} may add audit events and cannot alter them")


def _reached(connection: Connection, url: str) -> Iterator[Finding]:
    if connection.is_standby:
        yield fail("database", "it is a standby, which nothing can be written to", "name the primary")
    if not connection.is_encrypted and not connection.is_local:
        yield fail(
            "database connection",
            "plaintext to another machine: whoever listens reads everything",
            "add sslmode=verify-full to GATEPOST_DATABASE_URL",
        )
    elif leaves_the_machine_unverified(url):
        yield warn(
            "database connection",
            "nothing makes sure with whom it is: whoever stands in between may be the database",
            "add sslmode=verify-full to GATEPOST_DATABASE_URL, and sslrootcert where its authority is your own",
        )
    else:
        how = "TLS" if connection.is_encrypted else "this machine alone"
        yield ok("database connection", f"by {how}")
    if connection.tells_rows:
        yield warn(
            "database log",
            "PostgreSQL's log shows the rows of failed statements, email addresses included",
            "set log_error_verbosity = terse",
        )
    else:
        yield ok("database log", "terse: no row of a failed statement is in it")


def _lag(waiting: int, lag: timedelta) -> Finding:
    minutes = f"{lag.total_seconds() / 60:.0f} minutes"
    todo = "see that a server with GATEPOST_MAIL_URL runs, and `gatepost mail list`"
    if lag > BAD_LAG:
        return fail("outbox", f"{waiting} mails wait, the longest {minutes} behind its time: none leaves", todo)
    if lag > NOTABLE_LAG:
        return warn("outbox", f"{waiting} mails wait, the longest {minutes} behind its time", todo)
    return ok("outbox", f"{waiting} mails wait, none behind its time")


def _dead(count: int) -> Finding:
    if not count:
        return ok("dead mails", "none")
    return warn(
        "dead mails",
        f"{count} failed for good",
        "`gatepost mail list --dead` says why; then `gatepost mail redrive` or `drop`",
    )
