"""What people and operators do to second factors, with secrets that are known to the test."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime

from auth_server.domain.one_time_codes import code_of, step_of
from tests.e2e.canary_flows import Flows, Person


async def second_factors(flows: Flows, eve: Person) -> None:
    """Turns one on, off and on again, has it reset, and leaves one on."""
    call, fail = flows.canary.call, flows.canary.fail
    eve = await flows.logged_in(eve.email, eve.password)
    proof = {"current_password": eve.password}
    secret = await _turn_on(flows, eve)
    made = {"code": _typed(secret, away=1)}
    codes = (await call("SecondFactorService/MakeRecoveryCodes", eve.access, made)).recovery_codes
    _keep(flows, codes)
    await fail("SecondFactorService/MakeRecoveryCodes", eve.access, made)
    await call("SecondFactorService/GetSecondFactor", eve.access)
    await fail("SecondFactorService/RemoveSecondFactor", eve.access, {**proof, "code": codes[0][:-1]})
    await call("SecondFactorService/RemoveSecondFactor", eve.access, {**proof, "code": codes[0]})
    await _turn_on(flows, eve)
    await call("SecondFactorService/ResetSecondFactor", flows.service, {"user_id": eve.id})
    await _turn_on(flows, await flows.logged_in(eve.email, eve.password))  # which stays, for the dumps


async def _turn_on(flows: Flows, who: Person) -> bytes:
    """The secret of the app."""
    call = flows.canary.call
    begun = await call("SecondFactorService/BeginTotp", who.access, {"current_password": who.password})
    secret = base64.b32decode(begun.secret)
    flows.canary.marked.sealed.append(secret)
    codes = (await call("SecondFactorService/ConfirmTotp", who.access, {"code": _typed(secret)})).recovery_codes
    _keep(flows, codes)
    return secret


def _keep(flows: Flows, codes: Sequence[str]) -> None:
    """Remembers a recovery code, of which not even a hash may be kept but under a key."""
    flows.canary.marked.sealed += [codes[-1].encode(), codes[-1].replace("-", "").encode()]


def _typed(secret: bytes, away: int = 0) -> str:
    """A code in a spelling that nothing else has: any six digits may stand in a log."""
    return "---".join(code_of(secret, step_of(datetime.now(UTC)) + away))
