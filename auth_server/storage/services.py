"""Internal services, their secrets and the names in their certificates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from asyncpg import UniqueViolationError

from auth_server.domain.services import Rotation, SecretNote, Service, ServiceNote
from auth_server.storage.database import Db, Row


class ServiceNameTakenError(Exception):
    """There is or was a service of this name."""


class CertificateNameTakenError(Exception):
    """A certificate's name belongs to another service."""


async def add(
    db: Db,
    service: Service,
    certificate_names: Sequence[str],
    secret_hash: bytes,
    now: datetime,
) -> int:
    """Adds a service and its first secret; the secret's number.

    Raises:
        ServiceNameTakenError: one of this name lives, or was revoked: a name in a log means one service for ever.
        CertificateNameTakenError: one of the certificate names is another service's.
    """
    statement = """
        WITH service AS (
            INSERT INTO services (name, allowed, is_gateway, last_number, created_at)
            VALUES ($1, $2, $3, 1, $6)
                ON CONFLICT DO NOTHING
            RETURNING name, last_number
        ), certificate AS (
            INSERT INTO service_certificates (certificate_name, service_name)
            SELECT unnest($4::text[]), name
              FROM service
        )
        INSERT INTO service_secrets (service_name, place, number, secret_hash, created_at)
        SELECT name, last_number % 2, last_number, $5, $6
          FROM service
        RETURNING number
        """
    try:
        row = await db.fetchrow(
            statement,
            service.name,
            sorted(service.allowed),
            service.is_gateway,
            list(certificate_names),
            secret_hash,
            now,
        )
    except UniqueViolationError as error:
        if error.constraint_name != "service_certificates_pkey":
            raise
        raise CertificateNameTakenError from error
    if row is None:
        raise ServiceNameTakenError
    return int(row["number"])


async def find_by_secret(db: Db, secret_hash: bytes) -> Service | None:
    """The service that this secret is of."""
    row = await db.fetchrow(
        """
        SELECT services.name, services.allowed, services.is_gateway
          FROM service_secrets
          JOIN services ON services.name = service_secrets.service_name
         WHERE service_secrets.secret_hash = $1
           AND services.disabled_at IS NULL
        """,
        secret_hash,
    )
    return _service_of(row) if row else None


async def find_by_certificate(db: Db, certificate_names: Sequence[str]) -> Service | None:
    """The one service that these names of a certificate lead to; None where they lead to none, or to several."""
    rows = await db.fetch(
        """
        SELECT DISTINCT services.name, services.allowed, services.is_gateway
          FROM service_certificates
          JOIN services ON services.name = service_certificates.service_name
         WHERE service_certificates.certificate_name = ANY($1::text[])
           AND services.disabled_at IS NULL
        """,
        list(certificate_names),
    )
    return _service_of(rows[0]) if len(rows) == 1 else None


async def all_services(db: Db) -> list[ServiceNote]:
    """Every service, by name, with the secrets that live."""
    rows = await db.fetch(
        """
        SELECT name, allowed, is_gateway, created_at, disabled_at,
               ARRAY (SELECT certificate_name
                        FROM service_certificates
                       WHERE service_name = name
                       ORDER BY certificate_name) AS certificate_names,
               ARRAY (SELECT number FROM service_secrets WHERE service_name = name ORDER BY number) AS numbers,
               ARRAY (SELECT service_secrets.created_at
                        FROM service_secrets
                       WHERE service_name = name
                       ORDER BY number) AS dates
          FROM services
         ORDER BY name
        """
    )
    return [_note_of(row) for row in rows]


async def rotate(db: Db, name: str, secret_hash: bytes, now: datetime) -> Rotation | None:
    """Gives the service one more secret; None where no such service lives.

    Two places hold the two newest secrets, whoever rotates at once.
    """
    row = await db.fetchrow(
        """
        WITH service AS (
            UPDATE services
               SET last_number = last_number + 1
             WHERE name = $1
               AND disabled_at IS NULL
            RETURNING name, last_number
        )
        INSERT INTO service_secrets (service_name, place, number, secret_hash, created_at)
        SELECT name, last_number % 2, last_number, $2, $3
          FROM service
            ON CONFLICT (service_name, place) DO UPDATE
           SET number = EXCLUDED.number, replaced = service_secrets.number, secret_hash = EXCLUDED.secret_hash,
               created_at = EXCLUDED.created_at
        RETURNING number, replaced, (SELECT is_gateway FROM services WHERE services.name = service_name) AS is_gateway
        """,
        name,
        secret_hash,
        now,
    )
    return Rotation(row["number"], row["replaced"], row["is_gateway"]) if row else None


async def revoke(db: Db, name: str, now: datetime) -> bool:
    """Ends a service with all of its secrets and certificate names; whether one of this name lived."""
    row = await db.fetchrow(
        """
        WITH service AS (
            UPDATE services
               SET disabled_at = $2
             WHERE name = $1
               AND disabled_at IS NULL
            RETURNING name
        ), secret AS (
            DELETE FROM service_secrets USING service WHERE service_name = service.name
        ), certificate AS (
            DELETE FROM service_certificates USING service WHERE service_name = service.name
        )
        SELECT name
          FROM service
        """,
        name,
        now,
    )
    return row is not None


async def revoke_secret(db: Db, name: str, number: int) -> bool:
    """Ends one secret of a service; whether it lived.

    Where it was the newest, the next number is left out, so that the next secret takes this one's place and not that
    of the older one.
    """
    row = await db.fetchrow(
        """
        WITH service AS (
            UPDATE services
               SET last_number = CASE WHEN last_number = $2 THEN last_number + 1 ELSE last_number END
             WHERE name = $1
               AND EXISTS (SELECT 1 FROM service_secrets WHERE service_name = $1 AND number = $2)
            RETURNING name
        )
        DELETE FROM service_secrets
         USING service
         WHERE service_name = service.name
           AND number = $2
        RETURNING number
        """,
        name,
        number,
    )
    return row is not None


def _service_of(row: Row) -> Service:
    return Service(row["name"], frozenset(row["allowed"]), row["is_gateway"])


def _note_of(row: Row) -> ServiceNote:
    return ServiceNote(
        name=row["name"],
        allowed=tuple(row["allowed"]),
        certificate_names=tuple(row["certificate_names"]),
        is_gateway=row["is_gateway"],
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
        secrets=tuple(SecretNote(*each) for each in zip(row["numbers"], row["dates"], strict=True)),
    )
