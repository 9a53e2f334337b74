"""Settings of the keys that sign access tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from auth_server.domain.signing_keys import Algorithm


class KeySettings(BaseSettings):
    """What signs access tokens, and how its keys follow one another; alike on every server."""

    signing_algorithm: Annotated[
        Algorithm,
        Field(
            description="What signs access tokens: `EdDSA`, `ES256` or `RS256`; `HS256` with `JWT_SECRET_KEY`, for the "
            "article's own guards alone."
        ),
    ] = Algorithm.EDDSA
    jwt_secret_key: Annotated[
        SecretStr | None,
        Field(
            validation_alias=AliasChoices("GATEPOST_JWT_SECRET_KEY", "JWT_SECRET_KEY"),
            description="The secret of `HS256`, 32 random characters or more; not looked at otherwise.",
        ),
    ] = None
    key_rotation_interval: Annotated[
        timedelta,
        BeforeValidator(lambda value: timedelta(0) if value == "0" else value),  # pydantic wants a unit
        Field(ge=timedelta(0), description="How long a key signs; `0`: until `gatepost keys rotate`."),
    ] = timedelta(days=30)
    jwks_cache_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=86_400,
            description="How long others keep the published keys; a key is published for longer before it signs. "
            "Alike in the auth server and the gateway.",
        ),
    ] = 300
