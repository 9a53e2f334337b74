"""The auth server's settings, from the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from auth_server.domain.passwords import LEAST_COST
from auth_server.domain.secrets import KeyRing
from auth_server.outside.hash_pool import default_width

LEAST_SECRET_CHARACTERS = 32
LEAST_DISTINCT_CHARACTERS = 12
MOST_SECRET_CHARACTERS = 1024  # a header must hold it


class IdTokenIssuer(BaseModel):
    """Who issues a provider's id_tokens, and our client id there."""

    issuer: str
    audience: str


class NamedSource(EnvSettingsSource):
    """Takes a setting from the first of its names that is given, in the environment or in a file.

    `<NAME>_FILE` names the file, as container platforms hand secrets over. What is empty is not given.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The text for this field, if any of its names is given."""
        names = _names_of(field, field_name)
        texts = (text for name in names if (text := self._text_of(name)) is not None)
        return next(texts, None), names[0] if field.validation_alias else field_name, False

    def __call__(self) -> dict[str, Any]:
        """All fields that are given.

        Raises:
            OSError: a file cannot be read.
        """
        try:
            return super().__call__()
        except SettingsError as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            raise

    def _text_of(self, name: str) -> str | None:
        text, path = (self.env_vars.get(key.lower()) for key in (name, f"{name}_FILE"))
        if text or not path:
            return text or None
        return Path(path).read_text("utf-8", errors="replace").strip()


def _names_of(field: FieldInfo, field_name: str) -> list[str]:
    if isinstance(field.validation_alias, AliasChoices):
        return [str(choice) for choice in field.validation_alias.choices]
    return [f"GATEPOST_{field_name.upper()}"]


class AuthServerSettings(BaseSettings):
    """What the auth server reads from the environment, once, at start."""

    model_config = SettingsConfigDict(env_prefix="GATEPOST_", populate_by_name=True, hide_input_in_errors=True)

    environment: Annotated[
        Literal["production", "development", "test"],
        Field(description="`development` and `test` allow what `production` refuses, such as short secrets."),
    ] = "production"

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

    adapter_secret: Annotated[
        SecretStr,
        Field(
            validation_alias=AliasChoices("GATEPOST_ADAPTER_SECRET", "NEXTAUTH_SECRET"),
            description="What the front end's server presents in `x-auth-secret`; 32 random characters or more.",
        ),
    ]
    peppers: Annotated[
        SecretStr,
        Field(
            description="Key ring of the passwords' pepper: `id:base64` of 32 random bytes, the one in use first, "
            "separated by commas."
        ),
    ]
    sealing_keys: Annotated[
        SecretStr,
        Field(description="Key ring that seals providers' tokens and signing keys; written as the peppers are."),
    ]

    grpc_host: Annotated[str, Field(description="Where gRPC listens.")] = "127.0.0.1"
    grpc_port: Annotated[int, Field(ge=0, le=65535, description="gRPC's port; 0 takes any free one.")] = 50051
    reflection: Annotated[bool, Field(description="Whether grpcurl and the like may list the contract.")] = False
    longest_call: Annotated[
        timedelta, Field(gt=timedelta(0), description="How long a call may take; a caller's nearer deadline wins.")
    ] = timedelta(seconds=10)
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            description="How long the server says that it is not ready, and still serves, before it stops; 0 by "
            "default where the environment is not `production`.",
        ),
    ] = 5

    bcrypt_cost: Annotated[
        int, Field(ge=4, le=16, description="bcrypt's cost; below 10 only where the environment is `test`.")
    ] = 12
    hash_pool_width: Annotated[
        int,
        Field(
            ge=1,
            le=256,
            default_factory=default_width,
            description="Threads that hash passwords; by default one less than there are cores.",
        ),
    ]
    hash_pool_queue: Annotated[
        int, Field(ge=0, le=10_000, description="Passwords that may wait for such a thread; more are refused.")
    ] = 32

    issuer: Annotated[str, Field(min_length=1, description="`iss` of access tokens.")] = "gatepost"
    audience: Annotated[str, Field(min_length=1, description="`aud` of access tokens.")] = "gatepost"
    access_token_life: Annotated[
        timedelta,
        Field(
            ge=timedelta(minutes=1),
            le=timedelta(minutes=15),
            description="How long an access token lives at the most; each lives up to a tenth less.",
        ),
    ] = timedelta(minutes=15)
    refresh_idle_life: Annotated[
        timedelta, Field(gt=timedelta(0), description="A sign-in ends when it was not refreshed for so long.")
    ] = timedelta(days=14)
    refresh_absolute_life: Annotated[
        timedelta, Field(gt=timedelta(0), description="A sign-in ends after so long in any case.")
    ] = timedelta(days=90)
    verified_only: Annotated[
        bool, Field(description="Whether Login refuses users whose email address is not verified.")
    ] = False
    id_token_issuers: Annotated[
        dict[str, IdTokenIssuer],
        Field(
            description="Providers whose id_tokens OAuthLogin verifies, as JSON: "
            '`{"google": {"issuer": "https://accounts.google.com", "audience": "<client id>"}}`.'
        ),
    ] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is pydantic's)
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is pydantic's)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is pydantic's)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win; then a setting's first name that is given, in the environment before a file."""
        return init_settings, NamedSource(settings_cls)

    @field_validator("peppers", "sealing_keys")
    @classmethod
    def _is_key_ring(cls, value: SecretStr) -> SecretStr:
        KeyRing.of(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _drains_at_once_but_in_production(self) -> AuthServerSettings:
        if self.environment != "production" and "drain_seconds" not in self.model_fields_set:
            self.drain_seconds = 0
        return self

    @model_validator(mode="after")
    def _is_strong(self) -> AuthServerSettings:
        secret = self.adapter_secret.get_secret_value()
        if not secret:
            raise ValueError("GATEPOST_ADAPTER_SECRET must not be empty")
        if len(secret) > MOST_SECRET_CHARACTERS:
            raise ValueError(f"GATEPOST_ADAPTER_SECRET must not be longer than {MOST_SECRET_CHARACTERS} characters")
        if not secret.isascii() or not secret.isprintable() or secret != secret.strip():
            raise ValueError("GATEPOST_ADAPTER_SECRET must be printable ASCII, as it travels in a header")
        weak = len(secret) < LEAST_SECRET_CHARACTERS or len(set(secret)) < LEAST_DISTINCT_CHARACTERS
        if self.environment == "production" and weak:
            raise ValueError(
                "GATEPOST_ADAPTER_SECRET is too weak for production: take 32 random characters or more, "
                "for example from `openssl rand -base64 32`"
            )
        if self.environment != "test" and self.bcrypt_cost < LEAST_COST:
            raise ValueError(f"GATEPOST_BCRYPT_COST must be {LEAST_COST} or more")
        return self
