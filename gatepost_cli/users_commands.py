"""The commands `gatepost users …`."""

# Each command imports its code when it runs, as all of them do: `--help` needs none of it.
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio

import click


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
