"""The auth server's settings, from the environment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from auth_server.domain.passwords import LEAST_COST
from auth_server.domain.secret_strength import LEAST_CHARACTERS, is_weak
from auth_server.domain.signing_keys import Algorithm
from auth_server.settings.database import DatabaseSettings
from auth_server.settings.grpc import GrpcSettings
from auth_server.settings.images import ImageSettings
from auth_server.settings.keys import KeySettings
from auth_server.settings.mail import MailSettings
from auth_server.settings.mail_templates import MailTemplateSettings
from auth_server.settings.one_time_tokens import OneTimeTokenSettings
from auth_server.settings.passkeys import PasskeySettings
from auth_server.settings.passwords import PasswordSettings
from auth_server.settings.retention import RetentionSettings
from auth_server.settings.secrets import SecretSettings
from auth_server.settings.sources import NamedSource
from auth_server.settings.throttles import ThrottleSettings
from auth_server.settings.tokens import TokenSettings


# Fields stand in the order of the bases, the last one's first.
class AuthServerSettings(
    PasskeySettings,
    ThrottleSettings,
    RetentionSettings,
    ImageSettings,
    MailSettings,
    MailTemplateSettings,
    KeySettings,
    OneTimeTokenSettings,
    TokenSettings,
    PasswordSettings,
    GrpcSettings,
    SecretSettings,
    DatabaseSettings,
):
    """What the auth server reads from the environment, once, at start."""

    model_config = SettingsConfigDict(env_prefix="GATEPOST_", populate_by_name=True, hide_input_in_errors=True)

    environment: Annotated[
        Literal["production", "development", "test"],
        Field(description="`development` and `test` allow what `production` refuses, such as short secrets."),
    ] = "production"
    product_name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="What people know this deployment as: mails call it so. A password made of it is refused.",
        ),
    ] = "Gatepost"

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

    @model_validator(mode="after")
    def _drains_at_once_but_in_production(self) -> AuthServerSettings:
        if self.environment != "production" and "drain_seconds" not in self.model_fields_set:
            self.drain_seconds = 0
        return self

    @model_validator(mode="after")
    def _is_strong(self) -> AuthServerSettings:
        self.check_secrets(in_production=self.environment == "production")
        self.check_password_of_database(in_production=self.environment == "production")
        if self.environment != "test" and self.bcrypt_cost < LEAST_COST:
            raise ValueError(f"GATEPOST_BCRYPT_COST must be {LEAST_COST} or more")
        return self

    @model_validator(mode="after")
    def _can_mail(self) -> AuthServerSettings:
        self.check_mails(in_production=self.environment == "production")
        return self

    @model_validator(mode="after")
    def _can_have_passkeys(self) -> AuthServerSettings:
        self.check_passkeys()
        return self

    @model_validator(mode="after")
    def _has_a_strong_shared_secret_where_it_signs_with_one(self) -> AuthServerSettings:
        if self.signing_algorithm is not Algorithm.HS256:
            return self
        if self.jwt_secret_key is None:
            raise ValueError(
                "GATEPOST_JWT_SECRET_KEY is missing: HS256 signs with it; set it, or another GATEPOST_SIGNING_ALGORITHM"
            )
        secret = self.jwt_secret_key.get_secret_value()
        # RFC 7518, section 3.2: the key has at least as many bits as the hash.
        if len(secret) < LEAST_CHARACTERS or (self.environment == "production" and is_weak(secret)):
            raise ValueError(
                "GATEPOST_JWT_SECRET_KEY is too weak for HS256: take 32 random characters or more, for example from "
                "`openssl rand -base64 32`"
            )
        if self.environment == "production" and secret in self.adapter_secrets:
            raise ValueError(
                "GATEPOST_JWT_SECRET_KEY is an adapter secret too: whoever verifies tokens could act as the front end;"
                " take another for each"
            )
        return self
