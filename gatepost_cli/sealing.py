"""The sealing keys, for commands that open or seal something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from auth_server.domain.secrets import KeyRing
from auth_server.settings.sources import NamedSource
from gatepost_cli.installation import Installation
from gatepost_cli.refusals import RefusalError
from gatepost_cli.settings import CommandSettings, read

if TYPE_CHECKING:
    from collections.abc import Mapping


class SealingSettings(BaseSettings):
    """The one secret that such a command needs."""

    model_config = SettingsConfigDict(env_prefix="GATEPOST_", populate_by_name=True, hide_input_in_errors=True)

    sealing_keys: Annotated[SecretStr | None, Field(description="Key ring that seals what the database keeps.")] = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As the auth server reads it: by its first name that is given, also from a file."""
        return (NamedSource(settings_cls),)


def sealing_ring(url: str, *, why: str) -> KeyRing:
    """The environment's sealing keys, else those of the `gatepost up` that runs on this database.

    Raises:
        RefusalError: there are neither, or they cannot be read; `why` says what they are needed for.
    """
    given = read(SealingSettings).sealing_keys
    ring = given.get_secret_value() if given else _of_installation(url).get("sealing_keys")
    if ring is None:
        raise RefusalError(f"GATEPOST_SEALING_KEYS is missing: {why}")
    try:
        return KeyRing.of(ring)
    except ValueError as error:
        raise RefusalError(f"GATEPOST_SEALING_KEYS cannot be read: {error}") from error


def _of_installation(url: str) -> Mapping[str, str]:
    installation = Installation(read(CommandSettings).data_dir)
    return installation.find_secrets() if installation.database_url() == url else {}
