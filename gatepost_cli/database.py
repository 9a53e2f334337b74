"""What an operator does to the database from the command line."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import asyncpg
from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from auth_server.domain.audit_events import COMMAND, AuditEvent, current_actor
from auth_server.domain.errors import DatabaseUnavailableError
from auth_server.domain.users import Role
from auth_server.settings import AuthServerSettings
from auth_server.settings.sources import NamedSource
from auth_server.storage import audit, disabling, migrations, server_role, users
from auth_server.storage.database import Database, Db, connected
from gatepost_cli.installation import Installation
from gatepost_cli.refusals import RefusalError
from gatepost_cli.settings import CommandSettings, given, read, without_password

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class DatabaseSettings(BaseSettings):
    """The one setting that work on the database needs: no secret of the servers."""

    model_config = SettingsConfigDict(env_prefix="GATEPOST_", populate_by_name=True, hide_input_in_errors=True)

    database_url: Annotated[SecretStr, AuthServerSettings.model_fields["database_url"]]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As the auth server reads it: by its first name that is given, also from a file."""
        return (NamedSource(settings_cls),)


def database_url() -> str:
    """The environment's database, else that of the `gatepost up` that runs.

    Raises:
        RefusalError: there is neither.
    """
    if given(DatabaseSettings, "database_url"):
        return read(DatabaseSettings).database_url.get_secret_value()
    folder = read(CommandSettings).data_dir
    url = Installation(folder).database_url()
    if url is None:
        raise RefusalError(
            f"no `gatepost up` runs in {folder}; set GATEPOST_DATABASE_URL to the database that is meant"
        )
    return url


async def migrate(url: str) -> list[str]:
    """Brings the database to the present schema; the names of the migrations applied.

    Raises:
        RefusalError: the database refuses, or does not fit.
    """
    with _refusals(url):
        return await migrations.migrate(url)


async def grant(url: str, role: str) -> None:
    """Gives the role the rights of a server.

    Raises:
        RefusalError: the role is not fit for it, or the database refuses.
    """
    with _refusals(url):
        try:
            await server_role.grant(url, role)
        except server_role.RoleUnfitError as error:
            raise RefusalError(str(error)) from error


async def set_role(url: str, email: str, role: str) -> None:
    """Gives the user with this address a role.

    Raises:
        RefusalError: there is no such user, or the database refuses.
    """
    now = datetime.now(UTC)

    async def work(db: Db) -> bool:
        user = await users.set_role(db, email, Role(role), now)
        if user is not None:
            await audit.record(db, AuditEvent.ROLE_CHANGED, user.id, now, target=f"role:{role}")
        return user is not None

    async with opened(url) as db:
        found = await db.transaction(work)
    if not found:
        raise RefusalError(f"no user has the address {email}; they must register first")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database, for an operator's command: what is audited meanwhile is of a command.

    Raises:
        RefusalError: the database cannot be reached, or refuses.
    """
    current_actor.set(COMMAND)
    try:
        with _refusals(url):
            async with connected(url, size=1) as db:
                yield db
    finally:
        current_actor.set(None)


async def set_disabled(url: str, email: str, *, disabled: bool) -> None:
    """Disables the user with this address, or enables them.

    Raises:
        RefusalError: there is no such user, or the database refuses.
    """
    now = datetime.now(UTC)
    event = AuditEvent.USER_DISABLED if disabled else AuditEvent.USER_ENABLED

    async def work(db: Db) -> bool:
        user_id = await disabling.hold_by_email(db, email)
        if user_id is None or not await disabling.set_disabled(db, user_id, now if disabled else None, now):
            return False
        await audit.record(db, event, user_id, now)
        return True

    async with opened(url) as db:
        found = await db.transaction(work)
    if not found:
        raise RefusalError(f"no user has the address {email}")


@contextmanager
def _refusals(url: str) -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailableError as error:
        raise RefusalError(
            f"the database {without_password(url)} cannot be used ({_first_line(error.__cause__ or error)}); check that"
            " it runs and that GATEPOST_DATABASE_URL names it, its user and its password"
        ) from error
    except migrations.MigrationChangedError as error:
        raise RefusalError(str(error)) from error
    except migrations.MigrationBlockedError as error:
        raise RefusalError(
            f"{error}; run it again when what holds it has ended, such as a backup or another `gatepost migrate`"
        ) from error
    except asyncpg.UndefinedTableError as error:
        raise RefusalError(
            f"the database {without_password(url)} was not migrated: run `gatepost migrate` first"
        ) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise RefusalError(
            f"the database {without_password(url)} does not let its user do this ({_first_line(error)}); make that"
            " user the owner of the database, or grant it what is missing, such as CREATE on the schema public"
        ) from error
    except asyncpg.PostgresError as error:
        raise RefusalError(f"the database {without_password(url)} refuses: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "no answer")
