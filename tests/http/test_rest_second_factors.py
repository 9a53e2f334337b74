"""The second factor over REST, from the first secret to its end."""

import base64

import pytest

from tests.people import PASSWORD
from tests.second_factors import App, wrong


@pytest.mark.requirement(4, 30)
async def test_a_second_factor_is_turned_on_used_and_turned_off(rest, sql, clock):
    signed_in = await rest.logged_in("ann@example.org")
    headers = {"authorization": f"Bearer {signed_in['backendTokens']['accessToken']}"}
    await sql.execute("UPDATE users SET email_verified = now()")
    proof = {"currentPassword": PASSWORD}

    async def call(path, body):
        return await rest.call("POST", f"/auth/second-factor/{path}", body, headers=headers)

    begun = await call("begin-totp", proof)
    app = App(base64.b32decode(begun.json["secret"]), clock)
    refused = await call("confirm-totp", {"code": wrong(app.code())})
    confirmed = await call("confirm-totp", {"code": app.next_code()})
    shown = await rest.call("GET", "/auth/second-factor", headers=headers)
    used = await call("make-recovery-codes", {"code": app.used_code()})
    removed = await call("remove", {**proof, "code": confirmed.json["recoveryCodes"][0]})
    gone = await rest.call("GET", "/auth/second-factor", headers=headers)

    assert list(begun.json) == ["secret", "uri", "expireTime"]
    assert begun.headers["cache-control"] == confirmed.headers["cache-control"] == "no-store"
    assert (refused.status, refused.reason) == (used.status, used.reason) == (401, "SECOND_FACTOR_INVALID")
    assert len(confirmed.json["recoveryCodes"]) == 10
    assert (shown.json["active"], shown.json["recoveryCodesLeft"]) == (True, 10)
    assert (removed.status, removed.json) == (200, {})
    assert gone.json == {"active": False, "activateTime": None, "recoveryCodesLeft": 0}


async def test_no_code_goes_into_a_query(rest):
    signed_in = await rest.logged_in()
    headers = {"authorization": f"Bearer {signed_in['backendTokens']['accessToken']}"}

    answer = await rest.call("POST", "/auth/second-factor/confirm-totp?code=123456", {}, headers=headers)

    assert (answer.status, answer.reason) == (400, "REQUEST_INVALID")
