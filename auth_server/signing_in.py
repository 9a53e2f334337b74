"""Puts together how sign-ins begin and go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth_server.domain.refresh_tokens import RefreshLives, ReplayWindows
from auth_server.hashing import Hashing
from auth_server.outside.identity_providers import IdentityProviders, Issuer
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.access import Access
from auth_server.usecases.new_sign_ins import NewSignIns
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.refreshing import Refreshing
from auth_server.usecases.second_factors import SecondFactors
from auth_server.usecases.sign_in import SignIn
from auth_server.usecases.sign_in_completion import SignInCompletion


@dataclass(frozen=True, slots=True)
class SigningIn:
    """What signs users in, and keeps them so."""

    sign_in: SignIn
    completion: SignInCompletion
    new_sign_ins: NewSignIns
    refreshing: Refreshing


def signing_in_of(
    settings: AuthServerSettings,
    database: Database,
    clock: Callable[[], datetime],
    *,
    access: Access,
    hashing: Hashing,
    outbox: Outbox,
    second_factors: SecondFactors,
) -> SigningIn:
    """All ways in that the settings let."""
    lives = RefreshLives(settings.refresh_idle_life, settings.refresh_absolute_life)
    windows = ReplayWindows(settings.refresh_replay_window, settings.refresh_retry_window)
    new_sign_ins = NewSignIns(database, access, lives, clock)
    sign_in = SignIn(
        db=database,
        new_sign_ins=new_sign_ins,
        hashes=hashing.hashes,
        checks=hashing.checks,
        hash_pool=hashing.pool,
        identity_providers=_identity_providers(settings),
        clock=clock,
        dummy_hash=hashing.hashes.dummy(),
        verified_only=settings.verified_only,
    )
    return SigningIn(
        sign_in,
        SignInCompletion(new_sign_ins, second_factors),
        new_sign_ins,
        Refreshing(database, access, lives, windows, outbox, clock),
    )


def _identity_providers(settings: AuthServerSettings) -> IdentityProviders:
    issuers = settings.id_token_issuers.items()
    return IdentityProviders({provider: Issuer(each.issuer, each.audience) for provider, each in issuers})
