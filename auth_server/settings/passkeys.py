"""Settings of passkeys."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_NUMBERS = re.compile(r"[0-9.]+")  # an IPv4 address, which WebAuthn takes for no domain
LOCALHOST = "localhost"


class PasskeySettings(BaseSettings):
    """For whom passkeys are made; alike on every server."""

    passkey_rp_id: Annotated[
        str | None,
        Field(
            description="The domain that passkeys are made for, such as `example.org`: pages there and below may ask "
            "for them. Those that were made for another one are lost. Without it there are no passkeys."
        ),
    ] = None
    passkey_origins: Annotated[
        str,
        Field(
            description="The origins of the pages that may ask for passkeys, separated by commas: "
            "`https://app.example.org,https://www.example.org`."
        ),
    ] = ""

    @field_validator("passkey_rp_id")
    @classmethod
    def _is_domain(cls, value: str | None) -> str | None:
        if value is not None and (len(value) > 253 or not _DOMAIN.fullmatch(value) or _NUMBERS.fullmatch(value)):
            raise ValueError("it must be a domain in lower case, without scheme and port: example.org")
        return value

    @field_validator("passkey_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for origin in _parts_of(value):
            if not _is_origin(origin):
                raise ValueError(
                    "each must be https, a host and maybe a port, as browsers write it: https://app.example.org"
                )
        return value

    @property
    def all_passkey_origins(self) -> tuple[str, ...]:
        """The origins, each by itself."""
        return _parts_of(self.passkey_origins)

    def check_passkeys(self) -> None:
        """Refuses what does not fit together.

        Raises:
            ValueError: the text says which setting, and what to do.
        """
        if self.passkey_rp_id is None and self.all_passkey_origins:
            raise ValueError("GATEPOST_PASSKEY_RP_ID is missing: say which domain passkeys are made for")
        if self.passkey_rp_id is not None and not self.all_passkey_origins:
            raise ValueError("GATEPOST_PASSKEY_ORIGINS is missing: name the pages that may ask for passkeys")
        for origin in self.all_passkey_origins:
            host = urlsplit(origin).hostname or ""
            if host != self.passkey_rp_id and not host.endswith(f".{self.passkey_rp_id}"):
                raise ValueError(
                    "GATEPOST_PASSKEY_ORIGINS names a page beyond GATEPOST_PASSKEY_RP_ID: no browser would ask there"
                )


def _parts_of(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def _is_origin(text: str) -> bool:
    """Whether browsers write an origin so, and take it for a secure context."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_local = host == LOCALHOST or host.endswith(f".{LOCALHOST}")
    default = {"https": 443, "http": 80}.get(parts.scheme)
    written = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    return (
        (parts.scheme == "https" or (parts.scheme == "http" and is_local))
        and _DOMAIN.fullmatch(host) is not None
        and port != default
        and text == written
    )
