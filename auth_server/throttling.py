"""Puts together what throttles calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from auth_server.domain.budgets import limits_of
from auth_server.domain.device_tokens import DeviceTokens
from auth_server.domain.secrets import KeyRing, derived_key, derived_keys
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.throttling import Throttling

TIMES_IN_TESTS = 1000


def throttling_of(settings: AuthServerSettings, database: Database, clock: Callable[[], datetime]) -> Throttling:
    """The budgets that the settings say, in this database."""
    ring = KeyRing.of(settings.sealing_keys.get_secret_value())
    return Throttling(
        db=database,
        key=derived_key(ring, "throttles"),
        limits=limits_of(settings.throttles, TIMES_IN_TESTS if settings.environment == "test" else 1),
        most_failures=settings.most_failures,
        devices=DeviceTokens(derived_keys(ring, "device tokens")),
        clock=clock,
    )
