"""The commands `gatepost services …`."""

# Each command imports its code when it runs, as all of them do: `--help` needs none of it.
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from auth_server.domain.services import ServiceNote
    from gatepost_cli.services import NewSecret

_FOR_SERVICES = """\
  name      {name}
  secret    {secret}
  metadata  authorization: Basic {basic}
  env       GATEPOST_SERVICE_CREDENTIAL={name}:{secret}\
"""
_FOR_GATEWAYS = """\
  name      {name}
  secret    {secret}
  metadata  x-gateway-credential: Basic {basic}
  env       GATEPOST_AUTH_GATEWAY_CREDENTIAL={name}:{secret}\
"""


@click.group("services")
def services_group() -> None:
    """Give internal services credentials, and say what each may call.

    The database is GATEPOST_DATABASE_URL's, else that of the `gatepost up` that runs.
    """


@services_group.command("add")
@click.argument("name")
@click.option("--allow", "allowed", multiple=True, metavar="METHOD", help="What it may call; may be given many times.")
@click.option(
    "--certificate-name",
    "certificate_names",
    multiple=True,
    metavar="SAN",
    help="DNS name or SPIFFE URI in its client certificate; may be given many times.",
)
@click.option("--gateway", "is_gateway", is_flag=True, help="It is a gateway: believe what it says of its clients.")
def add_command(name: str, allowed: tuple[str, ...], certificate_names: tuple[str, ...], is_gateway: bool) -> None:
    """Make a service NAME with a secret, which is shown this once.

    METHOD is `Service/Method`, or `Service/*` for all methods of a service that are for services. What is for
    operators is let in to by its full name alone.

    \b
    Examples:
      gatepost services add billing --allow UsersService/GetUser
      gatepost services add shop --allow UsersService/ListUsers --certificate-name spiffe://example.org/shop
      gatepost services add edge --gateway
    """
    from gatepost_cli.database import database_url
    from gatepost_cli.services import add

    patterns = [pattern for each in allowed for pattern in each.split(",") if pattern]
    made = asyncio.run(
        add(database_url(), name, patterns=patterns, certificate_names=certificate_names, is_gateway=is_gateway)
    )
    click.echo(f"{name} is a service now. Its secret is shown this once:\n\n{_shown(made)}")


@services_group.command("list")
def list_command() -> None:
    """Show every service: what it may call, and which of its secrets live."""
    from gatepost_cli.database import database_url
    from gatepost_cli.services import all_services

    found = asyncio.run(all_services(database_url()))
    click.echo("\n\n".join(map(_described, found)) or "There are no services.")


@services_group.command("rotate")
@click.argument("name")
def rotate_command(name: str) -> None:
    """Give the service NAME one more secret; two live at a time, so a third takes the place of the oldest."""
    from gatepost_cli.database import database_url
    from gatepost_cli.services import rotate

    made = asyncio.run(rotate(database_url(), name))
    number, replaced = made.rotation.number, made.rotation.replaced
    click.echo(f"Secret {number} of {name} is shown this once:\n\n{_shown(made)}\n")
    if replaced is None:
        click.echo(f"What is older still works, until `gatepost services revoke {name} --secret NUMBER` ends it.")
    else:
        click.echo(f"Secret {replaced}, the oldest, is gone: it works for another second at the most.")


@services_group.command("revoke")
@click.argument("name")
@click.option("--secret", "number", type=click.IntRange(min=1), help="End this one secret alone, by its number.")
def revoke_command(name: str, number: int | None) -> None:
    """End the service NAME for good, or one of its secrets; every server knows within a second."""
    from gatepost_cli.database import database_url
    from gatepost_cli.services import revoke, revoke_secret

    if number is None:
        asyncio.run(revoke(database_url(), name))
        click.echo(f"{name} is revoked, with all of its secrets and certificate names.")
    else:
        asyncio.run(revoke_secret(database_url(), name, number))
        click.echo(f"Secret {number} of {name} is revoked.")


def _shown(made: NewSecret) -> str:
    """The secret, ready to be pasted."""
    form = _FOR_GATEWAYS if made.rotation.is_gateway else _FOR_SERVICES
    return form.format(name=made.name, secret=made.secret, basic=made.basic)


def _described(service: ServiceNote) -> str:
    secrets = [f"{each.number} (of {each.created_at:%Y-%m-%d %H:%M} UTC)" for each in service.secrets]
    state = f"revoked {service.disabled_at:%Y-%m-%d %H:%M} UTC" if service.disabled_at else ", ".join(secrets) or "none"
    lines = [
        service.name + (" (gateway)" if service.is_gateway else ""),
        f"  may call      {', '.join(service.allowed) or 'nothing'}",
        f"  certificates  {', '.join(service.certificate_names) or 'none'}",
        f"  secrets       {state}",
    ]
    return "\n".join(lines)
