"""The command `gatepost doctor`."""

# The command imports its code when it runs, as all of them do: `--help` needs none of it.
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gatepost_cli.doctor.findings import Finding


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
@click.option(
    "--target", metavar="HOST:PORT", help="Where gRPC is served.  [GATEPOST_AUTH_TARGET, else GATEPOST_GRPC_HOST]"
)
def doctor_command(as_json: bool, target: str | None) -> None:
    """Examine a deployment that runs: keys, certificates, database, mails, backups.

    Run it with the environment of the servers, from where they run. It changes nothing. Each line is ok, warn or fail,
    and says what to do; no secret is shown. The exit code is 1 if something fails, else 0.

    For the age of backups, let each one write its time into a file: GATEPOST_BACKUP_STAMP names it.

    \b
    Examples:
      gatepost doctor
      gatepost doctor --json --target auth.internal:50051
    """
    from gatepost_cli.doctor.examination import examination
    from gatepost_cli.doctor.findings import Level, worst_of

    async def examine() -> list[Finding]:
        findings = []
        async for finding in examination(target):
            findings.append(finding)
            if not as_json:
                _say(finding)
        return findings

    findings = asyncio.run(examine())
    worst = worst_of(findings)
    if as_json:
        click.echo(json.dumps({"result": worst, "findings": [asdict(each) for each in findings]}, indent=2))
    else:
        counts = {level: sum(each.level is level for each in findings) for level in Level}
        click.echo(", ".join(f"{count} {level}" for level, count in counts.items()))
    if worst is Level.FAIL:
        raise SystemExit(1)


def _say(finding: Finding) -> None:
    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    click.echo(f"{click.style(f'{finding.level:4}', fg=colours[finding.level])}  {finding.check}: {finding.text}")
    if finding.todo:
        click.echo(f"      -> {finding.todo}")
