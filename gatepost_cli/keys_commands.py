"""The commands `gatepost keys …`."""

# Each command imports its code when it runs, as all of them do: `--help` needs none of it.
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import timedelta


@click.group("keys")
def keys_group() -> None:
    """See, rotate and revoke the keys that sign access tokens.

    A key is published before it signs (next), signs (active), stays published until its last token has expired
    (retired), and is removed. Running servers do all that by themselves, every GATEPOST_KEY_ROTATION_INTERVAL; these
    commands are for what does not wait. They work on the database, no server need run, and none need restart.

    The database is GATEPOST_DATABASE_URL's, else that of the `gatepost up` that runs.
    """


@keys_group.command("list")
def list_command() -> None:
    """List the keys: id, state, algorithm, age, and what comes next and when.

    When the next rotation comes is worked out by GATEPOST_KEY_ROTATION_INTERVAL as this command finds it.
    """
    from gatepost_cli.database import database_url
    from gatepost_cli.keys import all_notes

    notes = asyncio.run(all_notes(database_url()))
    if not notes:
        click.echo("There is no key yet: the first server that starts makes one.")
    for note in notes:
        click.echo(f"{note.kid}  {note.state:7}  {note.algorithm:5}  {_aged(note.age):>8} old  {note.coming}")


@keys_group.command("rotate")
@click.option("--now", "at_once", is_flag=True, help="Do not wait until everybody has seen the next key.")
def rotate_command(at_once: bool) -> None:
    """Let the next key take over.

    By default that is when everybody who caches the published keys has seen it (GATEPOST_JWKS_CACHE_SECONDS and a few
    seconds after it was made), so that no token is refused; mostly it is ready, and takes over at once. Else a running
    server does it as soon as it is ready, and this command says when. The key before stays good for its own tokens.

    With --now, services that verify tokens by themselves refuse those of the new key until they fetch the keys again.
    A key that leaked is revoked, not rotated: see `gatepost keys revoke --help`.

    Needs GATEPOST_SEALING_KEYS only where no server has made a next key yet.

    \b
    Examples:
      gatepost keys rotate
      gatepost keys rotate --now
    """
    from gatepost_cli.database import database_url
    from gatepost_cli.keys import rotate, said

    rotation = asyncio.run(rotate(database_url(), at_once=at_once))
    if rotation.done:
        click.echo(f"{rotation.kid} signs now; servers follow within about a second.")
    else:
        click.echo(f"{rotation.kid} signs from {said(rotation.at)} on, when everybody has seen it; servers see to it.")


@keys_group.command("revoke")
@click.argument("kid")
def revoke_command(kid: str) -> None:
    """End the key KID at once, because it leaked: every access token that it signed is refused.

    Servers refuse its tokens within about a second; services that cache the published keys, when they fetch them
    again. The next key takes over at once. People stay signed in: their clients refresh, and get a token of the new
    key. What else was within the thief's reach, docs/operations.md lists.

    \b
    Example:
      gatepost keys revoke 9m4KvLGfnVnJZlyIDz2GTyLw1hTrHjkzZ7hoWXqr0JM
    """
    from gatepost_cli.database import database_url
    from gatepost_cli.keys import revoke

    revoked = asyncio.run(revoke(database_url(), kid))
    click.echo(f"{kid}, which was {revoked.was.value}, is revoked; servers refuse its tokens within about a second.")
    if revoked.promoted:
        click.echo(f"{revoked.promoted} signs now.")
    elif revoked.was.value == "active":
        click.echo("There was no next key: a running server makes a new one within about a second.")


def _aged(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
