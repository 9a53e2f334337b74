"""Settings of the database."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings


class DatabaseSettings(BaseSettings):
    """How the server reaches PostgreSQL."""

    database_url: Annotated[
        SecretStr,
        Field(
            validation_alias=AliasChoices("GATEPOST_DATABASE_URL", "DATABASE_URL", "COMPANY_AUTH_DATABASE_URL"),
            description="PostgreSQL, as `postgresql://user:password@host/database`.",
        ),
    ]
    database_pool_size: Annotated[
        int, Field(ge=1, le=200, description="Connections to PostgreSQL at the most; about as many as it has cores.")
    ] = 4
    database_prepared_statements: Annotated[
        bool,
        Field(description="Whether statements are prepared under a name; off behind pgbouncer in transaction mode."),
    ] = True
