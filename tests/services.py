"""Internal services for tests, made past the server."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from auth_server.domain.secrets import new_token, token_hash
from auth_server.domain.services import Service, basic_of
from auth_server.storage import services
from auth_server.storage.database import Database
from tests.people import Metadata

NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Known:
    """A service, and a secret of it."""

    name: str
    secret: str

    @property
    def credential(self) -> str:
        return f"Basic {basic_of(self.name, self.secret)}"

    @property
    def basic(self) -> Metadata:
        return [("authorization", self.credential)]


async def a_service(
    db: Database, *allowed: str, certificate_names: Iterable[str] = (), is_gateway: bool = False
) -> Known:
    """A service that may call these, as `package.Service/Method` or `package.Service/*`."""
    made = Known(f"service-{next(NUMBERS)}", new_token())
    service = Service(made.name, frozenset(allowed), is_gateway)
    await services.add(db, service, list(certificate_names), token_hash(made.secret), datetime.now(UTC))
    return made
