"""What an operator may set about the gateway."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MESSAGE_LIMIT_BYTES = 65536
"""The largest request of an RPC: the auth server's gRPC port takes no more (its LARGEST_MESSAGE_BYTES)."""


class GatewaySettings(BaseSettings):
    """The gateway's settings, each read once from GATEPOST_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="GATEPOST_", env_ignore_empty=True)

    http_host: str = Field(default="127.0.0.1", description="Address that the gateway listens on.")
    http_port: int = Field(
        default=8080, ge=0, le=65535, description="Port that the gateway listens on; 0 is any free one."
    )
    auth_target: str = Field(
        default="127.0.0.1:50051",
        min_length=1,
        description="Where the auth server listens: `host:port` or `unix:/path`.",
    )
    request_timeout_seconds: float = Field(
        default=10, gt=0, le=3600, description="How long an RPC may take; a client may ask for less by `grpc-timeout`."
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
        description="How long a connection may stay without a complete request head, idle or slow.",
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
    disabled_routes: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Routes that are not served, by verb and path of the contract, parted by commas: "
        "`DELETE /adapter/{id}`.",
    )

    @field_validator("disabled_routes", mode="before")
    @classmethod
    def _parted_by_commas(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [route.strip() for route in value.split(",") if route.strip()]
