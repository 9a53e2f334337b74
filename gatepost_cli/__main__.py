"""The `gatepost` command."""

# Each subcommand imports its code when it runs: the servers take half a second, and `--help` needs none of them.
# ruff: noqa: PLC0415

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import click

from gatepost_cli.audit_commands import audit_group
from gatepost_cli.doctor_command import doctor_command
from gatepost_cli.keys_commands import keys_group
from gatepost_cli.mail_commands import mail_group
from gatepost_cli.services_commands import services_group
from gatepost_cli.users_commands import users_group

_PORT = click.IntRange(0, 65535)
_INSECURE = click.option(
    "--insecure",
    is_flag=True,
    help="Let gRPC be plaintext over TCP, on a network that nobody reads.  [GATEPOST_GRPC_INSECURE]",
)


def main() -> None:
    """Runs the command that the arguments name."""
    gatepost(prog_name="gatepost")


def _version() -> str:
    try:
        return metadata.version("gatepost")
    except metadata.PackageNotFoundError:  # run from a checkout
        import tomllib

        project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
        return str(project["project"]["version"])


def _say_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"gatepost {_version()}")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_say_version, help="Print the version."
)
def gatepost() -> None:
    """A private auth service: users, accounts, sessions and tokens, over gRPC and REST.

    \b
    To try it, with a database of its own:    gatepost up
    In production, on your PostgreSQL:        gatepost migrate
                                              gatepost serve all

    Settings come from the environment, as GATEPOST_<NAME>; `gatepost settings` lists them.
    """


@gatepost.command("up")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where database, secrets and log are kept.  [GATEPOST_DATA_DIR; default: /var/lib/gatepost for root, else "
    "~/.local/share/gatepost]",
)
@click.option("--http-port", type=_PORT, help="Port of HTTP, 0 for any free one.  [GATEPOST_HTTP_PORT; default: 8080]")
@click.option("--grpc-port", type=_PORT, help="Port of gRPC, 0 for any free one.  [GATEPOST_GRPC_PORT; default: 50051]")
def up_command(data_dir: Path | None, http_port: int | None, grpc_port: int | None) -> None:
    """Run all of Gatepost on this machine, for development.

    Starts a PostgreSQL of its own, unless GATEPOST_DATABASE_URL names one, brings it up to date and serves gRPC and
    HTTP until Ctrl-C. The data and this installation's secrets stay in the data folder for the next time. What runs
    where is printed, and in run.json in the data folder while it runs.

    \b
    Examples:
      gatepost up
      gatepost up --http-port 0 --grpc-port 0 --data-dir ~/second
      GATEPOST_DATABASE_URL=postgresql://me@localhost/auth gatepost up
    """
    from gatepost_cli.up import up

    up(data_dir=data_dir, http_port=http_port, grpc_port=grpc_port)


@gatepost.group("serve")
def serve_group() -> None:
    """Run a process as in production, set up by the environment alone.

    Log lines are JSON, on standard error. SIGTERM ends a process in order: health says NOT_SERVING for
    GATEPOST_DRAIN_SECONDS, or until a second signal; then requests under way are finished, within bounds. `gatepost
    settings` lists the settings.
    """


@serve_group.command("all")
@_INSECURE
def serve_all_command(insecure: bool) -> None:
    """Run the auth server and the gateway in one process.

    The fastest form: HTTP requests reach the auth server without a socket between. Needs GATEPOST_DATABASE_URL,
    GATEPOST_ADAPTER_SECRET, GATEPOST_PEPPERS and GATEPOST_SEALING_KEYS, a migrated database, and for gRPC a certificate
    (GATEPOST_GRPC_TLS_CERTIFICATE, GATEPOST_GRPC_TLS_KEY), a Unix socket or --insecure.
    """
    from gatepost_cli.processes import serve_all

    serve_all(insecure=insecure)


@serve_group.command("auth")
@_INSECURE
def serve_auth_command(insecure: bool) -> None:
    """Run the auth server alone: gRPC, on GATEPOST_GRPC_HOST and GATEPOST_GRPC_PORT.

    Needs GATEPOST_DATABASE_URL, GATEPOST_ADAPTER_SECRET, GATEPOST_PEPPERS and GATEPOST_SEALING_KEYS, a migrated
    database, and for gRPC a certificate (GATEPOST_GRPC_TLS_CERTIFICATE, GATEPOST_GRPC_TLS_KEY), a Unix socket or
    --insecure.
    """
    from gatepost_cli.processes import serve_auth

    serve_auth(insecure=insecure)


@serve_group.command("gateway")
def serve_gateway_command() -> None:
    """Run the gateway alone: HTTP, on GATEPOST_HTTP_HOST and GATEPOST_HTTP_PORT.

    It calls the auth server at GATEPOST_AUTH_TARGET, and holds no secret.
    """
    from gatepost_cli.processes import serve_gateway

    serve_gateway()


@gatepost.command("migrate")
@click.option(
    "--server-role",
    "role",
    metavar="ROLE",
    help="Also give this role, which the servers connect as, its rights: it can alter no audit event.",
)
def migrate_command(role: str | None) -> None:
    """Bring the database up to date.

    Applies what is missing, each migration in a transaction; safe while servers run, and when several do it at once.
    The database is GATEPOST_DATABASE_URL's, else that of the `gatepost up` that runs.

    With --server-role, run it as the tables' owner each time, for new tables need rights as well.

    \b
    Examples:
      gatepost migrate
      gatepost migrate --server-role gatepost_server
    """
    import asyncio

    from gatepost_cli.database import database_url, grant, migrate

    for name in asyncio.run(migrate(database_url())) or ["The database is up to date."]:
        click.echo(name)
    if role is not None:
        asyncio.run(grant(database_url(), role))
        click.echo(f"{role} has the rights of a server, and none to alter audit events.")


gatepost.add_command(users_group)
gatepost.add_command(audit_group)
gatepost.add_command(services_group)
gatepost.add_command(keys_group)
gatepost.add_command(mail_group)
gatepost.add_command(doctor_command)


@gatepost.command("settings")
@click.option(
    "--check",
    "to_check",
    type=click.Path(path_type=Path, exists=True),
    help="Exit with 1 if this page holds an older table.",
)
@click.option("--write", "to_write", type=click.Path(path_type=Path, exists=True), help="Put the table into this page.")
def settings_command(to_check: Path | None, to_write: Path | None) -> None:
    """Print every setting with its default and meaning, in Markdown.

    In a page, the table stands between the lines <!-- settings --> and <!-- /settings -->.
    """
    from gatepost_cli import settings_table

    if to_check:
        settings_table.check(to_check)
    if to_write:
        settings_table.write(to_write)
    if not to_check and not to_write:
        click.echo(settings_table.table())


if __name__ == "__main__":
    main()
