"""What an operator may set about the gateway."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from http_gateway.loopback import is_loopback

MESSAGE_LIMIT_BYTES = 65536
"""The largest request of an RPC: the auth server's gRPC port takes no more (its LARGEST_MESSAGE_BYTES)."""


_CREDENTIAL = re.compile(r"[a-z0-9][a-z0-9._-]*:[\x21-\x7e]{1,256}")


class _EnvironmentOrFile(EnvSettingsSource):
    """Takes a setting from GATEPOST_<NAME>, else from the file that GATEPOST_<NAME>_FILE names, as secrets come."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value, key, is_complex = super().get_field_value(field, field_name)
        path = self.env_vars.get(f"gatepost_{field_name}_file")
        if value is None and path:
            value = Path(path).read_text("utf-8", errors="replace").strip()
        return value, key, is_complex

    def __call__(self) -> dict[str, Any]:
        try:
            return super().__call__()
        except SettingsError as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            raise


class GatewaySettings(BaseSettings):
    """The gateway's settings, each read once from GATEPOST_<NAME>."""

    model_config = SettingsConfigDict(
        env_prefix="GATEPOST_", env_ignore_empty=True, populate_by_name=True, hide_input_in_errors=True
    )

    http_host: str = Field(default="127.0.0.1", description="Address that the gateway listens on.")
    http_port: int = Field(
        default=8080, ge=0, le=65535, description="Port that the gateway listens on; 0 is any free one."
    )
    auth_target: str = Field(
        default="127.0.0.1:50051",
        min_length=1,
        description="Where the auth server listens: `host:port` or `unix:/path`.",
    )
    auth_tls_ca: Path | None = Field(
        default=None,
        description="File of the authorities, in PEM, one of which must have signed the auth server's certificate.",
    )
    auth_tls_certificate: Path | None = Field(
        default=None, description="File of the gateway's own certificate, in PEM, where the auth server asks for one."
    )
    auth_tls_key: Path | None = Field(default=None, description="File of that certificate's key, in PEM.")
    auth_insecure: bool = Field(
        default=False,
        description="Whether calls to the auth server may be plaintext over TCP; without it, that stops the start.",
    )
    auth_gateway_credential: SecretStr | None = Field(
        default=None,
        description="`name:secret` of the service that this gateway is, where it has no certificate of its own: proves "
        "to the auth server what it says of its clients.",
    )
    request_timeout_seconds: float = Field(
        default=10, gt=0, le=3600, description="How long an RPC may take; a client may ask for less by `grpc-timeout`."
    )
    stream_timeout_seconds: float = Field(
        default=300,
        gt=0,
        le=86_400,
        description="How long an answer that is streamed may take as a whole, to the slowest client; a client may ask "
        "for less by `grpc-timeout`.",
    )
    upload_timeout_seconds: float = Field(
        default=60,
        gt=0,
        le=3600,
        description="How long a request may take that brings a file; a client may ask for less by `grpc-timeout`.",
    )
    upload_limit_bytes: int = Field(
        default=10 * 1024 * 1024 + MESSAGE_LIMIT_BYTES,
        ge=1024,
        description="The largest form that is taken with a file in it; the auth server bounds the file itself.",
    )
    body_limit_bytes: int = Field(
        default=MESSAGE_LIMIT_BYTES,
        ge=1024,
        le=MESSAGE_LIMIT_BYTES,
        description="The largest request body that is taken; the server takes none beyond 65536.",
    )
    body_timeout_seconds: float = Field(
        default=10, gt=0, le=3600, description="How long a client may take to send a request's body."
    )
    keep_alive_seconds: float = Field(
        default=75,
        gt=0,
        le=3600,
        description="How long a connection may stay without a request.",
    )
    head_timeout_seconds: float = Field(
        default=10, gt=0, le=3600, description="How long a client may take to send a request's head once it began."
    )
    read_timeout_seconds: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="How long a client may take to read 64 KiB of an answer that waits for it, or the rest of one.",
    )
    http_connections: int = Field(
        default=1000,
        ge=1,
        description="How many HTTP connections there may be; beyond, those go that wait for their client the longest.",
    )
    shutdown_seconds: float = Field(
        default=15, ge=0, le=3600, description="How long requests in flight may take to end when the gateway stops."
    )
    jwks_cache_seconds: int = Field(
        default=300,
        ge=1,
        le=86_400,
        description="How long others may keep what the contract answers to everybody alike, which is the JWKS: its "
        "`max-age`. Alike in the auth server and the gateway.",
    )
    environment: Literal["production", "development", "test"] = Field(
        default="production", description="As for the auth server; in `production` nothing for development is served."
    )
    dev_mail_folder: Path | None = Field(
        default=None,
        description="Folder whose mails `/dev/mail` shows to a browser on this machine. `gatepost up` sets it; it is "
        "refused in production, and where the gateway listens on more than a loopback address.",
    )
    link_base_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("GATEPOST_LINK_BASE_URL", "DNAME"),
        description="Where the front end has the pages that mailed links lead to. Without it, the gateway serves its "
        "own: `/reset-password`, `/verify-email`, `/confirm-email`. Alike in the auth server and the gateway.",
    )
    product_name: str = Field(
        default="Gatepost",
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="What people know this deployment as: the gateway's own pages call it so. Alike in the auth server "
        "and the gateway.",
    )
    disabled_routes: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Routes that are not served, by verb and path of the contract, parted by commas: "
        "`DELETE /adapter/{id}`.",
    )

    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], NoDecode] = Field(
        default=[],
        description="Networks of the proxies, and of front ends, that call the gateway for others, parted by commas: "
        "`10.0.0.0/8,::1`. Theirs alone is the `X-Forwarded-For` that is believed, and each must add to it.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is pydantic's)
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is pydantic's)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is pydantic's)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win; then the environment, then a file that it names."""
        return init_settings, _EnvironmentOrFile(settings_cls)

    @field_validator("auth_gateway_credential")
    @classmethod
    def _is_name_and_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and _CREDENTIAL.fullmatch(value.get_secret_value()) is None:
            raise ValueError("it must be name:secret, as `gatepost services add --gateway` prints it")
        return value

    @field_validator("disabled_routes", "trusted_proxies", mode="before")
    @classmethod
    def _parted_by_commas(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("trusted_proxies")
    @classmethod
    def _trusts_somebody(cls, value: list[IPv4Network | IPv6Network]) -> list[IPv4Network | IPv6Network]:
        if any(network.prefixlen == 0 for network in value):
            raise ValueError("it trusts everybody, who could then tell any address as theirs: name the proxies alone")
        return value

    @model_validator(mode="after")
    def _shows_mails_in_development_alone(self) -> GatewaySettings:
        if self.dev_mail_folder is None:
            return self
        if self.environment == "production":
            raise ValueError(
                "GATEPOST_DEV_MAIL_FOLDER is not for production: whoever sees the mails can use their links"
            )
        if not is_loopback(self.http_host):
            raise ValueError(
                "GATEPOST_DEV_MAIL_FOLDER needs a GATEPOST_HTTP_HOST of loopback, such as 127.0.0.1: whoever sees the "
                "mails can use their links"
            )
        return self
