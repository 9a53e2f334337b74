"""Settings that are secrets."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from auth_server.domain.imported_hashes.firebase_hashes import signer_key
from auth_server.domain.secret_strength import is_weak
from auth_server.domain.secrets import KeyRing

MOST_SECRET_CHARACTERS = 1024  # a header must hold it


class SecretSettings(BaseSettings):
    """What others present, and what guards the database's content."""

    adapter_secret: Annotated[
        SecretStr,
        Field(
            validation_alias=AliasChoices("GATEPOST_ADAPTER_SECRET", "NEXTAUTH_SECRET"),
            description="What the front end's server presents in `x-auth-secret`; 32 random characters or more.",
        ),
    ]
    adapter_secret_previous: Annotated[
        SecretStr | None,
        Field(
            description="The adapter secret before, which is accepted as well while front ends go over to the new one."
        ),
    ] = None
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

    @property
    def adapter_secrets(self) -> tuple[str, ...]:
        """The adapter secrets that are accepted: the one in use, then the one before it, where it is another."""
        given = (self.adapter_secret, self.adapter_secret_previous)
        return tuple(dict.fromkeys(each.get_secret_value() for each in given if each is not None))

    def check_secrets(self, *, in_production: bool) -> None:
        """Refuses secrets that are none.

        Raises:
            ValueError: the text says which, and what to do; never the secret.
        """
        _check_adapter_secret("GATEPOST_ADAPTER_SECRET", self.adapter_secret, in_production=in_production)
        if self.adapter_secret_previous is not None:
            name = "GATEPOST_ADAPTER_SECRET_PREVIOUS"
            _check_adapter_secret(name, self.adapter_secret_previous, in_production=in_production)
        if in_production:
            self._check_each_serves_one_purpose()

    def _check_each_serves_one_purpose(self) -> None:
        """Refuses a key that stands in two places (NIST SP 800-57, part 1, section 5.2): one leak would be two."""
        rings = {"PEPPERS": self.peppers, "SEALING_KEYS": self.sealing_keys}
        keys = {name: {key for _, key in KeyRing.of(ring.get_secret_value()).keys} for name, ring in rings.items()}
        for (one, of_one), (other, of_other) in combinations(keys.items(), 2):
            if of_one & of_other:
                raise ValueError(f"GATEPOST_{one} and GATEPOST_{other} share a key: take another for each")
        for name, ring in rings.items():
            if any(part.partition(":")[2] in self.adapter_secrets for part in ring.get_secret_value().split(",")):
                raise ValueError(f"an adapter secret is a key of GATEPOST_{name}: take another for each")


def _check_adapter_secret(name: str, given: SecretStr, *, in_production: bool) -> None:
    secret = given.get_secret_value()
    if not secret:
        raise ValueError(f"{name} must not be empty")
    if len(secret) > MOST_SECRET_CHARACTERS:
        raise ValueError(f"{name} must not be longer than {MOST_SECRET_CHARACTERS} characters")
    if not secret.isascii() or not secret.isprintable() or secret != secret.strip():
        raise ValueError(f"{name} must be printable ASCII, as it travels in a header")
    if in_production and is_weak(secret):
        raise ValueError(
            f"{name} is too weak for production: take 32 random characters or more, for example from "
            "`openssl rand -base64 32`"
        )
