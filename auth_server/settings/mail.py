"""Settings of mails: how they leave, how many, and where their links lead."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from auth_server.domain.links import CONFIRM_PATH, RESET_PATH, VERIFY_PATH
from auth_server.domain.secret_strength import is_weak_password
from auth_server.outside.mail_messages import Sender

FOLDER = "folder"
SMTP = "smtp"
SMTPS = "smtps"


class MailSettings(BaseSettings):
    """How mails leave, and where their links lead; alike on every server."""

    mail_url: Annotated[
        SecretStr | None,
        Field(
            description="Where mails go: `smtp://user:password@host:587` (with STARTTLS), `smtps://user:password@host` "
            "(TLS from the start), or `folder:/path`, which writes files and is refused in production. Without it they "
            "wait.",
        ),
    ] = None
    mail_from: Annotated[
        str | None,
        Field(description="Who mails come from: `Example <no-reply@example.org>`; its domain is their Message-ID's."),
    ] = None
    mail_tls_ca: Annotated[
        Path | None,
        Field(
            description="File of the authorities, in PEM, one of which must have signed the mail server's certificate; "
            "else the system's."
        ),
    ] = None
    mail_insecure: Annotated[
        bool,
        Field(
            description="Whether mails, the links in them and the mail server's password may travel in plaintext "
            "beyond loopback.",
        ),
    ] = False
    mail_concurrency: Annotated[int, Field(ge=1, le=64, description="Mails that a server sends at once.")] = 4
    mail_address_limit: Annotated[
        int,
        Field(
            ge=1,
            le=3600,
            description="Mails of one kind that go to an address at once; so many more come free in an hour.",
        ),
    ] = 5
    mail_account_limit: Annotated[
        int, Field(ge=1, le=3600, description="The same for what an account causes, whatever the addresses.")
    ] = 10
    link_base_url: Annotated[
        str | None,
        Field(
            validation_alias=AliasChoices("GATEPOST_LINK_BASE_URL", "DNAME"),
            description="Where mailed links lead: the front end's address with its scheme, `https` in production; by "
            "default `GATEPOST_PUBLIC_URL`.",
        ),
    ] = None
    public_url: Annotated[
        str | None,
        Field(description="The gateway's own address as people reach it, with its scheme, `https` in production."),
    ] = None
    reset_link_path: Annotated[
        str, Field(description="Path of the link that resets a password, behind the base of links.")
    ] = RESET_PATH
    verify_link_path: Annotated[str, Field(description="Path of the link that verifies an address.")] = VERIFY_PATH
    confirm_link_path: Annotated[str, Field(description="Path of the link that confirms a new address.")] = CONFIRM_PATH

    @field_validator("mail_url")
    @classmethod
    def _is_transport(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            is_folder = parts.scheme == FOLDER and not parts.netloc and parts.path.startswith("/")
            if not is_folder and not (parts.scheme in (SMTP, SMTPS) and parts.hostname and parts.path in ("", "/")):
                raise ValueError("it must be smtp://host, smtps://host or folder:/path")
            if parts.username and not parts.password:
                raise ValueError("it names a user without a password: write smtp://user:password@host")
            _ = parts.port  # raises where it is none
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_sender(cls, value: str | None) -> str | None:
        if value is not None:
            Sender.of(value)
        return value

    @field_validator("link_base_url", "public_url")
    @classmethod
    def _is_base(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("it needs a scheme and a host: https://example.org")
            if parts.query or parts.fragment or parts.username is not None or not value.isprintable():
                raise ValueError("it must be a scheme, a host and maybe a path, and nothing else")
        return value

    @field_validator("reset_link_path", "verify_link_path", "confirm_link_path")
    @classmethod
    def _has_place_for_token(cls, value: str) -> str:
        if not value.startswith("/") or value.count("{token}") != 1 or not value.isprintable() or " " in value:
            raise ValueError("it must begin with / and name {token} once: /reset-password?token={token}")
        return value

    @property
    def links_base(self) -> str | None:
        """What mailed links begin with."""
        return self.link_base_url or self.public_url

    def check_mails(self, *, in_production: bool) -> None:
        """Refuses what does not fit together.

        Raises:
            ValueError: the text says which settings, and what to do.
        """
        for name, url in (("GATEPOST_LINK_BASE_URL", self.link_base_url), ("GATEPOST_PUBLIC_URL", self.public_url)):
            if in_production and url and not _is_safe(urlsplit(url)):
                raise ValueError(f"{name} must be https in production: the links in mails hold secrets")
        if self.link_base_url is None:
            self._check_paths_are_the_gateways()
        if self.mail_url is None:
            return
        if self.mail_from is None:
            raise ValueError("GATEPOST_MAIL_FROM is missing: mails need a sender, such as no-reply@example.org")
        if self.links_base is None:
            raise ValueError(
                "nothing says where the links in mails lead: set GATEPOST_LINK_BASE_URL to the front end's address, or "
                "GATEPOST_PUBLIC_URL to the gateway's"
            )
        if in_production and urlsplit(self.mail_url.get_secret_value()).scheme == FOLDER:
            raise ValueError("GATEPOST_MAIL_URL must not be a folder in production: nobody would get a mail")
        if in_production:
            _check_password(urlsplit(self.mail_url.get_secret_value()))

    def _check_paths_are_the_gateways(self) -> None:
        """Refuses paths that its own pages do not have, so that no link leads nowhere."""
        own = {"reset_link_path": RESET_PATH, "verify_link_path": VERIFY_PATH, "confirm_link_path": CONFIRM_PATH}
        for field, path in own.items():
            if getattr(self, field) != path:
                raise ValueError(
                    f"GATEPOST_{field.upper()} is a front end's: set GATEPOST_LINK_BASE_URL to its address"
                )


def is_loopback(host: str | None) -> bool:
    """Whether the host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def _check_password(parts: SplitResult) -> None:
    if parts.password and is_weak_password(unquote(parts.password), unquote(parts.username or "")):
        raise ValueError("the password in GATEPOST_MAIL_URL is too weak for production: whoever guesses it sends mails")


def _is_safe(parts: SplitResult) -> bool:
    return parts.scheme == "https" or is_loopback(parts.hostname)
