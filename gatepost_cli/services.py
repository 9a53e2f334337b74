"""What an operator does to internal services from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from auth_server.domain.secrets import new_token, token_hash
from auth_server.domain.services import CERTIFICATE_NAME, NAME, Rotation, Service, basic_of
from auth_server.servicers.ext_authz_contract import AUTHORIZATION
from auth_server.storage import services
from gatepost_cli.allow_lists import allow_list_of
from gatepost_cli.database import opened
from gatepost_cli.refusals import RefusalError
from http_gateway.contract import contract_services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auth_server.domain.services import ServiceNote


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was made just now, and will not be shown again."""

    name: str
    secret: str
    rotation: Rotation

    @property
    def basic(self) -> str:
        """What stands behind `authorization: Basic`."""
        return basic_of(self.name, self.secret)


async def add(
    url: str, name: str, *, patterns: Sequence[str], certificate_names: Sequence[str], is_gateway: bool
) -> NewSecret:
    """Makes a service and its first secret.

    Raises:
        RefusalError: the name is taken or no name, a pattern names nothing, or the database refuses.
    """
    if not NAME.fullmatch(name):
        raise RefusalError(f"{name} is no service's name: 1 to 63 lower-case letters, digits, dots, - and _")
    allowed = allow_list_of(patterns, [*contract_services(), AUTHORIZATION])
    if not allowed and not is_gateway:
        raise RefusalError(f"{name} could call nothing: name what it may call with --allow")
    for each in certificate_names:
        if not CERTIFICATE_NAME.fullmatch(each):
            raise RefusalError(f"{each} is no name in a certificate: write spiffe://domain/path, or a DNS name")
    made = NewSecret(name, new_token(), Rotation(1, None, is_gateway))
    async with opened(url) as db:
        try:
            service = Service(name, allowed, is_gateway)
            await services.add(db, service, sorted(set(certificate_names)), token_hash(made.secret), datetime.now(UTC))
        except services.ServiceNameTakenError as error:
            raise RefusalError(
                f"there is a service {name}, or was one that was revoked; choose another name"
            ) from error
        except services.CertificateNameTakenError as error:
            raise RefusalError("one of the certificate names belongs to another service; revoke that first") from error
    return made


async def all_services(url: str) -> list[ServiceNote]:
    """Every service, by name.

    Raises:
        RefusalError: the database refuses.
    """
    async with opened(url) as db:
        return await services.all_services(db)


async def rotate(url: str, name: str) -> NewSecret:
    """Gives a service one more secret.

    Raises:
        RefusalError: there is no such service, or the database refuses.
    """
    secret = new_token()
    async with opened(url) as db:
        rotation = await services.rotate(db, name, token_hash(secret), datetime.now(UTC))
    if rotation is None:
        raise _unknown(name)
    return NewSecret(name, secret, rotation)


async def revoke(url: str, name: str) -> None:
    """Ends a service.

    Raises:
        RefusalError: there is no such service, or the database refuses.
    """
    async with opened(url) as db:
        if not await services.revoke(db, name, datetime.now(UTC)):
            raise _unknown(name)


async def revoke_secret(url: str, name: str, number: int) -> None:
    """Ends one secret of a service.

    Raises:
        RefusalError: there is no such secret, or the database refuses.
    """
    async with opened(url) as db:
        if not await services.revoke_secret(db, name, number):
            raise RefusalError(f"{name} has no living secret {number}; `gatepost services list` shows what lives")


def _unknown(name: str) -> RefusalError:
    return RefusalError(f"there is no service {name}; `gatepost services list` shows those that live")
