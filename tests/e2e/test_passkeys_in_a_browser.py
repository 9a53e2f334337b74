"""A passkey in a real browser: registered and signed in by, through REST, with what a front end would write."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from playwright.async_api import Page

from tests.cli.command import Up
from tests.e2e.browsers import Windows

pytestmark = pytest.mark.timeout(60)
EMAIL, PASSWORD = "grace@example.org", "a long way to Tipperary"

ASK = """
async ([path, body, token]) => {
    const headers = {"content-type": "application/json", ...(token && {authorization: `Bearer ${token}`})};
    const answer = await fetch(path, {method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body)});
    return {status: answer.status, ...await answer.json()};
}
"""
# What docs/passkeys.md shows between the two calls.
REGISTER = """
async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    const credential = await navigator.credentials.create({publicKey});
    return credential.toJSON();
}
"""
SIGN_IN = """
async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    const credential = await navigator.credentials.get({publicKey});
    return credential.toJSON();
}
"""
VIRTUAL = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def a_page_with_authenticator(windows: Windows, up: Up) -> Page:
    """A page of a front end on this machine, in a browser that has an authenticator."""
    window = await windows.open()
    origin = up.run["http_url"].replace("127.0.0.1", "localhost")
    await window.route(
        f"{origin}/front-end", lambda route: route.fulfill(content_type="text/html", body="<p>Hello</p>")
    )
    await window.goto(f"{origin}/front-end")
    devtools = await window.context.new_cdp_session(window)
    await devtools.send("WebAuthn.enable")
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": VIRTUAL})
    return window


async def verified_user(up: Up, window: Page) -> dict[str, Any]:
    """The sign-in of a user whose address is verified."""
    person = {"name": "Grace", "email": EMAIL, "password": PASSWORD}
    assert (await window.evaluate(ASK, ["/auth/register", person, None]))["status"] == 201
    connection = await asyncpg.connect(up.run["database_url"])
    await connection.execute("UPDATE users SET email_verified = now() WHERE email = $1", EMAIL)
    await connection.close()
    signed_in = await window.evaluate(ASK, ["/auth/login", {"email": EMAIL, "password": PASSWORD}, None])
    return dict(signed_in)


@pytest.mark.requirement(32)
async def test_a_passkey_is_registered_and_signs_in(up: Up, windows: Windows) -> None:
    window = await a_page_with_authenticator(windows, up)
    user = await verified_user(up, window)
    token = user["backendTokens"]["accessToken"]

    asked = await window.evaluate(ASK, ["/auth/passkeys/begin-registration", {"currentPassword": PASSWORD}, token])
    made = await window.evaluate(REGISTER, asked["options"])
    body = {"credential": made, "name": "This browser"}
    kept = await window.evaluate(ASK, ["/auth/passkeys/finish-registration", body, token])
    listed = await window.evaluate(ASK, ["/auth/passkeys", None, token])
    again = await window.evaluate(ASK, ["/auth/passkeys/begin-sign-in", {}, None])
    body = {"ceremonyToken": again["ceremonyToken"], "credential": await window.evaluate(SIGN_IN, again["options"])}
    signed_in = await window.evaluate(ASK, ["/auth/passkeys/finish-sign-in", body, None])

    assert (kept["status"], kept["id"], kept["name"], kept["signsIn"]) == (201, made["id"], "This browser", True)
    assert [each["id"] for each in listed["passkeys"]] == [made["id"]]
    assert signed_in["user"]["id"] == user["user"]["id"]
    path = f"/auth/{user['user']['id']}"
    seen = await window.evaluate(ASK, [path, None, signed_in["backendTokens"]["accessToken"]])
    assert seen["email"] == EMAIL
    replayed = await window.evaluate(ASK, ["/auth/passkeys/finish-sign-in", body, None])
    assert (replayed["status"], replayed["reason"], replayed["rule"]) == (401, "PASSKEY_INVALID", "challenge")
    assert windows.complaints == []
