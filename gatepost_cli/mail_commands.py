"""The commands `gatepost mail …`."""

# Each command imports its code when it runs, as all of them do: `--help` needs none of it.
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from auth_server.domain.mails import MailNote

_ALL = click.option("--all", "all_dead", is_flag=True, help="All dead mails.")


@click.group("mail")
def mail_group() -> None:
    """See the mails that wait or have failed, and have them sent or dropped.

    A mail that the mail server refuses for now is tried again for five days. One that is refused for good, or whose
    link has expired, is dead, and stays until you redrive or drop it. What mails say is not shown.

    The database is GATEPOST_DATABASE_URL's, else that of the `gatepost up` that runs.
    """


@mail_group.command("list")
@click.option("--dead", is_flag=True, help="Only those that are dead.")
def list_command(dead: bool) -> None:
    """List mails, the oldest first: id, kind, recipient, and how it fares."""
    from gatepost_cli.database import database_url
    from gatepost_cli.mail import all_notes

    async def say() -> bool:
        said = False
        async for note in all_notes(database_url(), dead=dead):
            click.echo(_described(note))
            said = True
        return said

    if not asyncio.run(say()):
        click.echo("There is no dead mail." if dead else "No mail waits.")


@mail_group.command("redrive")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_ALL
def redrive_command(ids: tuple[str, ...], all_dead: bool) -> None:
    """Have dead mails sent after all, as if they were new; by their IDs, or all of them.

    Put right first what kept them back, as `gatepost mail list --dead` says. A mail whose link has expired is dead
    again at once, unless it is made anew when it is sent (verify-email, reset-password, address-taken).

    \b
    Examples:
      gatepost mail redrive 01890000-0000-7000-8000-000000000001
      gatepost mail redrive --all
    """
    from gatepost_cli.database import database_url
    from gatepost_cli.mail import redrive

    _check_which(ids, all_dead)
    click.echo(f"{_counted(asyncio.run(redrive(database_url(), ids)))} again; servers send them at once.")


@mail_group.command("drop")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_ALL
def drop_command(ids: tuple[str, ...], all_dead: bool) -> None:
    """Drop mails for ever, with all that they hold; by their IDs, dead or waiting, or all dead ones.

    \b
    Examples:
      gatepost mail drop 01890000-0000-7000-8000-000000000001
      gatepost mail drop --all
    """
    from gatepost_cli.database import database_url
    from gatepost_cli.mail import drop

    _check_which(ids, all_dead)
    count = asyncio.run(drop(database_url(), ids))
    click.echo(f"{count} mail{'' if count == 1 else 's'} dropped.")


def _check_which(ids: tuple[str, ...], all_dead: bool) -> None:
    if bool(ids) == all_dead:
        raise click.UsageError("name mails by their ids, or say --all for all that are dead")


def _counted(count: int) -> str:
    return f"{count} mail waits" if count == 1 else f"{count} mails wait"


def _described(note: MailNote) -> str:
    tried = f", tried {note.attempts}x: {note.last_error}" if note.last_error else ""
    fares = f"dead since {note.dead_at:%Y-%m-%d %H:%M} UTC" if note.dead_at else f"due {note.due_at:%Y-%m-%d %H:%M} UTC"
    return f"{note.id}  {note.kind:17}  {note.recipient}  {fares}{tried}"
