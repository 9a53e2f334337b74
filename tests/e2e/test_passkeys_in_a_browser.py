"""A passkey in a real browser: registered and signed in by, through REST, with what a front end would write."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.async_api import Page

from tests.cli.command import Up
from tests.e2e.browsers import Windows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # tests/http/test_rest_passkeys.py does the same
ROOT = Path(__file__).resolve().parents[2]
EMAIL, PASSWORD = "grace@example.org", "a long way to Tipperary"

# The page's own code: what docs/passkeys.md shows to register, and to sign in.
REGISTER, SIGN_IN = re.findall(r"```js\n(.*?)```", (ROOT / "docs" / "passkeys.md").read_text("utf-8"), re.DOTALL)
RUN = """
async ([code, token, currentPassword]) => {
    const answers = []
    const post = async (path, body) => {
        const headers = {"content-type": "application/json", ...(token && {authorization: `Bearer ${token}`})}
        const answer = await fetch(path, {method: "POST", headers, body: JSON.stringify(body)})
        answers.push({status: answer.status, sent: body, ...await answer.json()})
        return answers.at(-1)
    }
    await eval(`(async () => {${code}})()`)
    return answers
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


async def post(window: Page, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the page gets."""
    code = f"await post({json.dumps(path)}, {json.dumps(body)})"
    return dict((await window.evaluate(RUN, [code, None, None]))[0])


async def verified_user(up: Up, window: Page) -> dict[str, Any]:
    """The sign-in of a user whose address is verified."""
    person = {"name": "Grace", "email": EMAIL, "password": PASSWORD}
    assert (await post(window, "/auth/register", person))["status"] == 201
    connection = await asyncpg.connect(up.run["database_url"])
    await connection.execute("UPDATE users SET email_verified = now() WHERE email = $1", EMAIL)
    await connection.close()
    return await post(window, "/auth/login", {"email": EMAIL, "password": PASSWORD})


@pytest.mark.requirement(32)
async def test_a_passkey_is_registered_and_signs_in_by_the_code_of_our_page(up: Up, windows: Windows) -> None:
    window = await a_page_with_authenticator(windows, up)
    user = await verified_user(up, window)
    token = user["backendTokens"]["accessToken"]

    _, kept = await window.evaluate(RUN, [REGISTER, token, PASSWORD])
    _, signed_in = await window.evaluate(RUN, [SIGN_IN, None, None])
    replayed = await post(window, "/auth/passkeys/finish-sign-in", signed_in["sent"])

    assert (kept["status"], kept["name"], kept["signsIn"]) == (201, "My phone", True)
    assert kept["id"] == signed_in["sent"]["credential"]["id"]
    assert (signed_in["status"], signed_in["user"]["id"]) == (200, user["user"]["id"])
    bearer = f"Bearer {signed_in['backendTokens']['accessToken']}"
    seen = await window.request.get(f"{up.run['http_url']}/auth/passkeys", headers={"authorization": bearer})
    assert [each["id"] for each in (await seen.json())["passkeys"]] == [kept["id"]]
    assert (replayed["status"], replayed["reason"], replayed["rule"]) == (401, "PASSKEY_INVALID", "challenge")
    assert windows.complaints == []
