"""What an operator does to internal services from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from auth_server.domain.audit_events import AuditEvent
from auth_server.domain.secrets import new_token, token_hash
from auth_server.domain.services import CERTIFICATE_NAME, NAME, Rotation, Service, basic_of
from auth_server.servicers.ext_authz_contract import AUTHORIZATION
from auth_server.storage import audit, services
from gatepost_cli.allow_lists import allow_list_of
from gatepost_cli.database import opened
from gatepost_cli.refusals import RefusalError
from http_gateway.contract import contract_services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auth_server.domain.services import ServiceNote
    from auth_server.storage.database import Db


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
    service, names, now = Service(name, allowed, is_gateway), sorted(set(certificate_names)), datetime.now(UTC)

    async def work(db: Db) -> None:
        await services.add(db, service, names, token_hash(made.secret), now)
        await audit.record(db, AuditEvent.SERVICE_ADDED, None, now, target=target_of(name))

    async with opened(url) as db:
        try:
            await db.transaction(work)
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
    secret, now = new_token(), datetime.now(UTC)

    async def work(db: Db) -> Rotation | None:
        rotation = await services.rotate(db, name, token_hash(secret), now)
        if rotation is not None:
            await _record_secret(db, AuditEvent.SERVICE_SECRET_ADDED, name, rotation.number, now)
            if rotation.replaced is not None:
                await _record_secret(db, AuditEvent.SERVICE_SECRET_REVOKED, name, rotation.replaced, now)
        return rotation

    async with opened(url) as db:
        rotation = await db.transaction(work)
    if rotation is None:
        raise _unknown(name)
    return NewSecret(name, secret, rotation)


async def revoke(url: str, name: str) -> None:
    """Ends a service.

    Raises:
        RefusalError: there is no such service, or the database refuses.
    """
    now = datetime.now(UTC)

    async def work(db: Db) -> bool:
        lived = await services.revoke(db, name, now)
        if lived:
            await audit.record(db, AuditEvent.SERVICE_REVOKED, None, now, target=target_of(name))
        return lived

    async with opened(url) as db:
        if not await db.transaction(work):
            raise _unknown(name)


async def revoke_secret(url: str, name: str, number: int) -> None:
    """Ends one secret of a service.

    Raises:
        RefusalError: there is no such secret, or the database refuses.
    """

    async def work(db: Db) -> bool:
        lived = await services.revoke_secret(db, name, number)
        if lived:
            await _record_secret(db, AuditEvent.SERVICE_SECRET_REVOKED, name, number, datetime.now(UTC))
        return lived

    async with opened(url) as db:
        if not await db.transaction(work):
            raise RefusalError(f"{name} has no living secret {number}; `gatepost services list` shows what lives")


def target_of(name: str, number: int | None = None) -> str:
    """How an audit event names a service, or one of its secrets by the number."""
    return f"service:{name}" if number is None else f"service:{name}/{number}"


async def _record_secret(db: Db, event: AuditEvent, name: str, number: int, now: datetime) -> None:
    await audit.record(db, event, None, now, target=target_of(name, number))


def _unknown(name: str) -> RefusalError:
    return RefusalError(f"there is no service {name}; `gatepost services list` shows those that live")
