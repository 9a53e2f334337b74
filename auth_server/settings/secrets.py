"""Settings that are secrets."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from auth_server.domain.imported_hashes.firebase_hashes import signer_key
from auth_server.domain.secrets import KeyRing


class SecretSettings(BaseSettings):
    """What others present, and what guards the database's content."""

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

    firebase_signer_key: Annotated[
        SecretStr | None,
        Field(
            description="`base64_signer_key` of the Firebase project whose users were imported: 64 bytes. Needed until"
            " all of them have logged in."
        ),
    ] = None

    @field_validator("firebase_signer_key")
    @classmethod
    def _is_signer_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            signer_key(value.get_secret_value())
        return value

    @field_validator("peppers", "sealing_keys")
    @classmethod
    def _is_key_ring(cls, value: SecretStr) -> SecretStr:
        KeyRing.of(value.get_secret_value())
        return value
