"""Settings of the database."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings

from auth_server.domain.secret_strength import LEAST_PASSWORD_CHARACTERS, is_weak_password


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

    def check_password_of_database(self, *, in_production: bool) -> None:
        """Refuses a password of the database that anybody would guess; none is right where a certificate serves.

        Raises:
            ValueError: it is too weak for production; the text does not show it.
        """
        user, password = _credentials_of(self.database_url.get_secret_value())
        if in_production and password and is_weak_password(password, user):
            raise ValueError(
                "the password in GATEPOST_DATABASE_URL is too weak for production: give the database's user one of"
                f" {LEAST_PASSWORD_CHARACTERS} characters or more that is no example's and not the user's name, better"
                " 32 random ones"
            )


def _credentials_of(url: str) -> tuple[str, str]:
    """The user and the password that a URL of PostgreSQL names, both of which may stand in its query as well."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""  # whoever connects says what is wrong
    query = parse_qs(parts.query)
    user = unquote(parts.username or "") or query.get("user", [""])[0]
    return user, unquote(parts.password or "") or query.get("password", [""])[0]
