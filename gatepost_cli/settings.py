"""The command's own settings, and how any of the processes' settings are read and refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from gatepost_cli.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

Settings = TypeVar("Settings", bound=BaseSettings)


def default_data_folder() -> Path:
    """Where this user's data lies unless they say otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/gatepost")  # /root is closed to the database server, which does not run as root
    share = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(share) / "gatepost"


class CommandSettings(BaseSettings):
    """What `gatepost up` and the operator's commands read from the environment."""

    model_config = SettingsConfigDict(env_prefix="GATEPOST_", env_ignore_empty=True, populate_by_name=True)

    data_dir: Annotated[
        Path,
        Field(
            default_factory=default_data_folder,
            description="Where `gatepost up` keeps its database, secrets and log, and servers their images unless "
            "`GATEPOST_IMAGE_STORE` says otherwise; by default `/var/lib/gatepost` for "
            "root, else `$XDG_DATA_HOME/gatepost` or `~/.local/share/gatepost`.",
        ),
    ]


def names_of(settings: type[BaseModel]) -> dict[str, list[str]]:
    """The names in the environment by the field's name, the one to recommend first."""
    prefix = settings.model_config.get("env_prefix", "")
    names = {}
    for field, about in settings.model_fields.items():
        alias = about.validation_alias
        if isinstance(alias, AliasChoices):
            names[field] = [str(choice) for choice in alias.choices]
        else:
            names[field] = [f"{prefix}{field}".upper()]
    return names


def given(settings: type[BaseModel], field: str) -> bool:
    """Whether the environment gives this setting, itself or in a file; what is empty is not given."""
    return find_name_given(settings, field) is not None


def find_name_given(settings: type[BaseModel], field: str) -> str | None:
    """The name by which the environment gives this setting: of several, the one that counts."""
    environment = {name.upper() for name, value in os.environ.items() if value}
    names = names_of(settings)[field]
    return next((name for name in names if name in environment or f"{name}_FILE" in environment), None)


def read(settings: type[Settings], defaults: Mapping[str, object] | None = None, **decided: Any) -> Settings:
    """Settings from the environment; `decided` ones win over it, `defaults` stand where it has nothing.

    Raises:
        RefusalError: a setting is missing or wrong; the message names it as the environment does.
    """
    missing: dict[str, Any] = {field: value for field, value in (defaults or {}).items() if not given(settings, field)}
    try:
        return settings(**{**missing, **decided})
    except ValidationError as error:
        raise RefusalError("; ".join(_sentence(settings, each) for each in error.errors())) from error
    except SettingsError as error:
        wrong = next(
            (names[0] for field, names in names_of(settings).items() if f'"{field}"' in str(error)), str(error)
        )
        raise RefusalError(f"{wrong} is not valid JSON") from error
    except OSError as error:
        raise RefusalError(f"a setting's file cannot be read: {error.filename}: {error.strerror}") from error


def without_password(url: str) -> str:
    """A database's URL as it may be shown."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "a URL that cannot be read"
    user = f"{parts.username}@" if parts.username else ""
    return f"{user}{host}{port}{parts.path}"


def _sentence(settings: type[BaseModel], error: ErrorDetails) -> str:
    if not error["loc"]:  # the class's own rule, which names the setting
        return error["msg"].removeprefix("Value error, ")
    field, *inside = (str(part) for part in error["loc"])
    name = names_of(settings).get(field, [field])[0]
    if error["type"] == "missing":
        return f"{name} is missing: set it, or {name}_FILE to a file that holds it"
    about = settings.model_fields.get(field)
    if about and about.annotation is SecretStr:  # what a rule says of a secret may quote it
        return f"{name} cannot be read; what it must be: {str(about.description).rstrip('.')}"
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{'.'.join([name, *inside])}: {message[:1].lower()}{message[1:]}"
