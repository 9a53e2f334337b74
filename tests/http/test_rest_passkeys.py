"""Passkeys over REST: what a front end sends and gets."""

import pytest

from tests.passkeys import SoftAuthenticator, text_of
from tests.people import PASSWORD


@pytest.fixture
async def bearer(rest, sql):
    """The access token of a person whose address is verified."""
    signed_in = await rest.logged_in()
    await sql.execute("UPDATE users SET email_verified = now()")
    return {"authorization": f"Bearer {signed_in['backendTokens']['accessToken']}"}


@pytest.mark.requirement(4, 32)
async def test_a_passkey_goes_through_both_ceremonies(rest, bearer):
    async def post(path, body, **headers):
        return await rest.call("POST", f"/auth/passkeys/{path}", body, headers=headers)

    authenticator = SoftAuthenticator()
    asked = (await post("begin-registration", {"currentPassword": PASSWORD}, **bearer)).json
    made = authenticator.create(asked["options"])
    kept = await post("finish-registration", {"credential": made | {"unknown": [1]}, "name": "A phone"}, **bearer)
    begun = (await post("begin-sign-in", {})).json
    signed = authenticator.get(begun["options"])
    signed_in = await post("finish-sign-in", {"ceremonyToken": begun["ceremonyToken"], "credential": signed})
    again = await post("finish-sign-in", {"ceremonyToken": begun["ceremonyToken"], "credential": signed})
    renamed = await post(f"{kept.json['id']}/rename", {"name": "Another"}, **bearer)
    listed = await rest.call("GET", "/auth/passkeys", headers=bearer)
    removed = await post(f"{kept.json['id']}/delete", {"currentPassword": PASSWORD}, **bearer)

    assert [alg["alg"] for alg in asked["options"]["pubKeyCredParams"]] == [-8, -7, -257]
    assert (kept.status, kept.json["id"], kept.json["name"]) == (201, text_of(authenticator.credential_id), "A phone")
    assert kept.json["lastUseTime"] is None
    assert signed_in.status == 200
    assert signed_in.json.keys() == {"user", "backendTokens"}
    assert signed_in.headers["cache-control"] == "no-store"
    assert (again.status, again.reason, again.json["rule"]) == (401, "PASSKEY_INVALID", "challenge")
    assert (renamed.status, renamed.json["name"]) == (200, "Another")
    assert [each["name"] for each in listed.json["passkeys"]] == ["Another"]
    assert listed.json["passkeys"][0]["lastUseTime"] is not None
    assert (removed.status, removed.json) == (200, {})


@pytest.mark.requirement(32)
@pytest.mark.parametrize(
    "credential",
    [{}, {"response": 1}, {"rawId": None, "response": {"clientDataJSON": [1], "transports": "usb"}}, {"response": []}],
)
async def test_what_is_no_answer_of_a_browser_is_refused(rest, bearer, credential):
    signed = {"ceremonyToken": "0" * 64, "credential": credential}

    kept = await rest.call("POST", "/auth/passkeys/finish-registration", {"credential": credential}, headers=bearer)
    signed_in = await rest.call("POST", "/auth/passkeys/finish-sign-in", signed)

    assert (kept.status, kept.reason, kept.json["rule"]) == (400, "PASSKEY_REFUSED", "challenge")
    assert (signed_in.status, signed_in.reason, signed_in.json["rule"]) == (401, "PASSKEY_INVALID", "challenge")


@pytest.mark.parametrize("passkey_id", ["x", "%20", "a-_", "..."])
async def test_an_id_that_spells_no_credential_is_of_no_passkey(rest, bearer, passkey_id):
    answer = await rest.call("POST", f"/auth/passkeys/{passkey_id}/rename", {"name": "A"}, headers=bearer)

    assert (answer.status, answer.reason) == (404, "AUTHENTICATOR_NOT_FOUND")
