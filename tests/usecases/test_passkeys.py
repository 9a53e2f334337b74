"""Passkeys where no setting says for which pages."""

from uuid import uuid4

import pytest

from auth_server.domain.clients import Client
from auth_server.domain.passkey_errors import PasskeysNotSetUpError
from auth_server.domain.users import Role
from auth_server.passkeys import passkeys_of
from auth_server.usecases.access import SignedInCaller
from auth_server.usecases.new_sign_ins import NewSignIns


@pytest.mark.requirement(32)
async def test_without_settings_there_are_none(settings, db, clock):
    without = settings.model_copy(update={"passkey_rp_id": None, "passkey_origins": ""})
    service = passkeys_of(
        without, NewSignIns(db, None, None, clock), reauthentication=None, second_factors=None, outbox=None
    )
    caller = SignedInCaller(uuid4(), Role.USER, uuid4())

    for refused in (
        lambda: service.passkeys.begin(caller, "password", ""),
        lambda: service.passkeys.finish(caller, {}, None),
        service.sign_ins.begin,
        lambda: service.sign_ins.finish("token", {}, Client()),
    ):
        with pytest.raises(PasskeysNotSetUpError):
            await refused()
