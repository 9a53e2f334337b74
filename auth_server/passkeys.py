"""Puts together what passkeys need."""

from __future__ import annotations

from auth_server.domain.passkey_proofs import RelyingParty
from auth_server.servicers.passkeys import PasskeyService
from auth_server.settings import AuthServerSettings
from auth_server.usecases.new_sign_ins import NewSignIns
from auth_server.usecases.outbox import Outbox
from auth_server.usecases.passkey_sign_ins import PasskeySignIns
from auth_server.usecases.passkeys import Passkeys
from auth_server.usecases.reauthentication import Reauthentication
from auth_server.usecases.second_factors import SecondFactors


def passkeys_of(
    settings: AuthServerSettings,
    new_sign_ins: NewSignIns,
    *,
    reauthentication: Reauthentication,
    second_factors: SecondFactors,
    outbox: Outbox,
) -> PasskeyService:
    """The service of passkeys, for the pages that the settings say."""
    party = None
    if settings.passkey_rp_id is not None:
        party = RelyingParty(settings.passkey_rp_id, settings.product_name, settings.all_passkey_origins)
    return PasskeyService(
        Passkeys(new_sign_ins.db, party, reauthentication, second_factors, outbox, new_sign_ins.clock),
        PasskeySignIns(new_sign_ins.db, party, new_sign_ins, outbox, new_sign_ins.clock),
    )
