"""Puts together what second factors need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.secrets import KeyRing, Seal
from auth_server.mailing import outbox_of
from auth_server.servicers.second_factors import SecondFactorService
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.reauthentication import Reauthentication
from auth_server.usecases.second_factor_changes import SecondFactorChanges
from auth_server.usecases.second_factor_resets import SecondFactorResets
from auth_server.usecases.second_factors import SecondFactors
from auth_server.usecases.throttling import Throttling


@dataclass(frozen=True, slots=True)
class SecondFactoring:
    """What judges codes for every way in, and what users and operators do to second factors."""

    factors: SecondFactors
    service: SecondFactorService


def second_factoring(
    settings: AuthServerSettings,
    database: Database,
    reauthentication: Reauthentication,
    throttling: Throttling,
    clock: Callable[[], datetime],
) -> SecondFactoring:
    """The second factors of this database's users."""
    seal = Seal(KeyRing.of(settings.sealing_keys.get_secret_value()))
    outbox = outbox_of(settings, clock)
    factors = SecondFactors(seal, throttling, outbox, clock)
    changes = SecondFactorChanges(database, seal, factors, reauthentication, outbox, settings.product_name, clock)
    resets = SecondFactorResets(database, outbox, throttling.key, clock)
    return SecondFactoring(factors, SecondFactorService(changes, resets))
