"""The commands `gatepost users …`."""

# Each command imports its code when it runs, as all of them do: `--help` needs none of it.
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from auth_server.domain.imported_users import ImportState
    from gatepost_cli.users_import import Report


@click.group("users")
def users_group() -> None:
    """Operate on users."""


@users_group.command("role")
@click.argument("email")
@click.argument("role", type=click.Choice(["user", "operator"]))
def role_command(email: str, role: str) -> None:
    """Give the user with this EMAIL a role; an operator may see and delete every user.

    The database is GATEPOST_DATABASE_URL's, else that of the `gatepost up` that runs.

    \b
    Example:
      gatepost users role ada@example.com operator
    """
    from gatepost_cli.database import database_url, set_role

    asyncio.run(set_role(database_url(), email, role))
    click.echo(f"{email} is {role} now; access tokens say so from the next sign-in or refresh on.")


@users_group.command("disable")
@click.argument("email")
def disable_command(email: str) -> None:
    """Disable the user with this EMAIL: every sign-in and session ends at once, and no new one begins.

    The database is GATEPOST_DATABASE_URL's, else that of the `gatepost up` that runs.

    \b
    Example:
      gatepost users disable ada@example.com
    """
    from gatepost_cli.database import database_url, set_disabled

    asyncio.run(set_disabled(database_url(), email, disabled=True))
    click.echo(f"{email} is disabled; every sign-in and session has ended.")


@users_group.command("enable")
@click.argument("email")
def enable_command(email: str) -> None:
    """Let the disabled user with this EMAIL sign in again; what has ended stays ended.

    The database is GATEPOST_DATABASE_URL's, else that of the `gatepost up` that runs.

    \b
    Example:
      gatepost users enable ada@example.com
    """
    from gatepost_cli.database import database_url, set_disabled

    asyncio.run(set_disabled(database_url(), email, disabled=False))
    click.echo(f"{email} may sign in again.")


@users_group.command("reset-second-factor")
@click.argument("email")
def reset_second_factor_command(email: str) -> None:
    """Take the second factor of the user with this EMAIL away, who has lost app and recovery codes.

    Make sure of who asks: from then on the password alone signs them in. Every sign-in and session ends, and a mail
    tells the user.

    The database is GATEPOST_DATABASE_URL's, else that of the `gatepost up` that runs; GATEPOST_SEALING_KEYS must be the
    servers'.

    \b
    Example:
      gatepost users reset-second-factor ada@example.com
    """
    from gatepost_cli.database import database_url
    from gatepost_cli.second_factors import reset

    asyncio.run(reset(database_url(), email))
    click.echo(f"{email} has no second factor any more; every sign-in and session has ended.")


@users_group.command("import")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--report",
    "report_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where refused records are written down, with their lines.  [default: FILE.refused.jsonl]",
)
@click.option("--check", "check_only", is_flag=True, help="Only say what would be refused; ask no database.")
@click.pass_context
def import_command(context: click.Context, path: Path, report_path: Path | None, check_only: bool) -> None:
    """Import the users of FILE, .jsonl or .csv, with the password hashes that another system made.

    An import that was interrupted goes on where it stopped when the same file is imported again. Users who are there
    already are left alone. Exits with 1 if a record was refused. docs/importing.md says what a record may hold.

    The database is GATEPOST_DATABASE_URL's, else that of the `gatepost up` that runs; GATEPOST_PEPPERS must be the
    servers'.

    \b
    Examples:
      gatepost users import users.jsonl --check
      gatepost users import users.jsonl
    """
    from gatepost_cli.database import database_url
    from gatepost_cli.users_import import Report, check_file, import_file, kept_hashes

    report = Report(report_path or path.with_name(f"{path.name}.refused.jsonl"))
    url = None if check_only else database_url()
    kept, size = kept_hashes(url), path.stat().st_size
    with click.progressbar(length=size, label=path.name, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def progress(read_bytes: int) -> None:
            bar.update(read_bytes - bar.pos)

        if url is None:
            before, state = None, check_file(path, kept, report, progress)
        else:
            before, state = asyncio.run(import_file(url, path, kept, report, progress))
        progress(size)
    click.echo(_checked(state) if before is None else _imported(before, state, report))
    if report.lines:
        click.echo(f"{report.path} says which records made no user, and why.", err=True)
    if state.refused:
        context.exit(1)


def _checked(state: ImportState) -> str:
    return f"{state.records:,} records: {state.records - state.refused:,} are good, {state.refused:,} would be refused."


def _imported(before: ImportState, state: ImportState, report: Report) -> str:
    counts = (
        f"{state.records:,} records: {state.imported:,} users imported, {state.present:,} there already, "
        f"{state.refused:,} refused."
    )
    if before.ended_at is not None:
        return f"This file was imported at {before.ended_at:%Y-%m-%d %H:%M} UTC; nothing was left to do. {counts}"
    went_on = f"It went on behind record {before.records:,}. " if before.records else ""
    lacks = f" The report lacks {report.lacks:,} lines of an import that was killed." if report.lacks else ""
    return f"{went_on}{counts}{lacks}"
