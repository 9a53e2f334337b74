"""The commands `gatepost audit …`."""

# Each command imports its code when it runs, as all of them do: `--help` needs none of it.
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, BinaryIO

import click

if TYPE_CHECKING:
    from auth_server.usecases.audit_verification import Verdict


@click.group("audit")
def audit_group() -> None:
    """Verify and export the audit log.

    Both need GATEPOST_SEALING_KEYS as the servers have it. The database is GATEPOST_DATABASE_URL's, else that of the
    `gatepost up` that runs.
    """


@audit_group.command("verify")
@click.option(
    "--checkpoint",
    "noted",
    multiple=True,
    metavar="POSITION:HASH",
    help="A checkpoint that was noted elsewhere, which the log must still hold; may be given many times.",
)
def verify_command(noted: tuple[str, ...]) -> None:
    """Find out whether any event was changed, removed, moved or put in; exits with 1 where one was.

    Says where the log ends, as POSITION:HASH. Noted where nobody who can change the database reaches, that shows
    later whether the log was cut off or put back; servers write the same into their own log, as `audit checkpoint`.

    \b
    Examples:
      gatepost audit verify
      gatepost audit verify --checkpoint 4711:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    """
    from gatepost_cli.audit import verdict
    from gatepost_cli.database import database_url

    found = asyncio.run(verdict(database_url(), noted))
    for fault in found.faults:
        click.echo(f"fault: {fault}")
    if found.unproven:
        click.echo(
            f"{found.unproven} of the checkpoints given are of events that have had their time, and prove nothing."
        )
    click.echo(_described(found))
    if found.faults:
        raise SystemExit(1)


@audit_group.command("export")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Go on behind the event of this position.")
@click.option("--output", type=click.File("wb"), default="-", help="Where to; standard output by default.")
def export_command(after: int, output: BinaryIO) -> None:
    """Write every event as a line of JSON, in the order of the chain.

    What was personal of users who are erased is null. The last line's position is what --after takes the next time.

    \b
    Example:
      gatepost audit export --after 4711 --output audit-2026-11.jsonl
    """
    from gatepost_cli.audit import exported
    from gatepost_cli.database import database_url

    async def write() -> None:
        async for line in exported(database_url(), after):
            output.write(line)

    asyncio.run(write())


def _described(found: Verdict) -> str:
    if found.last is None:
        return "The audit log is empty." if not found.faults else f"{len(found.faults)} faults."
    dropped = f"; it begins at {found.first}, what was before has had its time" if found.first > 1 else ""
    since = f" since {found.since:%Y-%m-%d %H:%M:%S} UTC" if found.since else ""
    faults = f"{len(found.faults)} faults; " if found.faults else ""
    return f"{faults}{found.events} events{since} are as they were written{dropped}.\nThe log ends at {found.last}"
