"""Knowing an internal service by what it presents."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Sequence

from auth_server.domain.errors import ServiceCredentialInvalidError
from auth_server.domain.secrets import token_hash
from auth_server.domain.services import Service
from auth_server.storage import services
from auth_server.storage.database import Db

REMEMBERED_SECONDS = 0.5
"""How long a service that was found is believed: half of the second in which a revocation holds everywhere."""
MOST_REMEMBERED = 1024


class Services:
    """The services that are known, each looked up at most twice a second.

    Only what was found is remembered: a wrong secret is looked up each time, and a new service is known at once.
    """

    def __init__(self, db: Db, seconds: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._seconds = seconds
        self._found: dict[object, tuple[float, Service]] = {}

    async def by_secret(self, name: str, secret: str) -> Service:
        """The service of this name and secret. The secret is looked up by its hash.

        Raises:
            ServiceCredentialInvalidError: the secret is unknown, revoked, or another service's.
        """
        hashed = token_hash(secret)
        service = self._remembered(hashed)
        if service is None:
            began = self._seconds()
            service = self._kept(hashed, began, await services.find_by_secret(self._db, hashed))
        if not hmac.compare_digest(service.name.encode(), name.encode()):
            raise ServiceCredentialInvalidError
        return service

    async def by_certificate(self, names: Sequence[str]) -> Service:
        """The service that the names of a verified certificate lead to.

        Raises:
            ServiceCredentialInvalidError: they lead to none, or to more than one.
        """
        key = tuple(names)
        service = self._remembered(key)
        if service is None:
            began = self._seconds()
            service = self._kept(key, began, await services.find_by_certificate(self._db, names))
        return service

    def _remembered(self, key: object) -> Service | None:
        began, service = self._found.get(key, (float("-inf"), None))
        return service if self._seconds() - began < REMEMBERED_SECONDS else None

    def _kept(self, key: object, began: float, service: Service | None) -> Service:
        """The service, remembered from before it was looked up on: a revocation meanwhile counts from there."""
        self._found.pop(key, None)
        if service is None:
            raise ServiceCredentialInvalidError
        while len(self._found) >= MOST_REMEMBERED:
            del self._found[next(iter(self._found))]  # the oldest
        self._found[key] = (began, service)
        return service
