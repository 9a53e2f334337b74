"""The life of an account in a browser: registered, verified, its password forgotten and reset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import APIResponse, Page

from tests.cli.command import Up
from tests.e2e.browsers import Windows
from tests.e2e.ups import open_mail

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]  # tests/http judges the same pages
EMAIL, PASSWORD, NEW = "ada@example.org", "a long way to Tipperary", "something borrowed, something blue"


class FrontEnd:
    """What a front end would ask for."""

    def __init__(self, window: Page, up: Up) -> None:
        self._request = window.request
        self._url, self._secret = up.run["http_url"], up.run["adapter_secret"]

    async def post(self, path: str, **body: Any) -> APIResponse:
        headers = {"x-auth-secret": self._secret} if path.startswith("/adapter") else {}
        return await self._request.post(self._url + path, data=body, headers=headers)

    async def login(self, password: str) -> APIResponse:
        return await self.post("/auth/login", email=EMAIL, password=password)

    async def own_user(self, signed_in: dict[str, Any]) -> APIResponse:
        bearer = f"Bearer {signed_in['backendTokens']['accessToken']}"
        return await self._request.get(f"{self._url}/auth/{signed_in['user']['id']}", headers={"authorization": bearer})

    async def refresh(self, signed_in: dict[str, Any]) -> APIResponse:
        token = f"Refresh {signed_in['backendTokens']['refreshToken']}"
        return await self._request.post(f"{self._url}/auth/refresh", data={}, headers={"authorization": token})


@pytest.mark.requirement(47, 48, 49, 51, 52)
async def test_an_account_is_verified_and_its_forgotten_password_reset(up: Up, windows: Windows) -> None:
    url = up.run["http_url"]
    window = await windows.open()
    front_end = FrontEnd(window, up)
    assert (await front_end.post("/auth/register", name="Ada", email=EMAIL, password=PASSWORD)).status == 201

    await open_mail(window, url, "Confirm your email address")
    async with window.expect_popup() as opened:
        await window.frame_locator("iframe").get_by_role("link", name=re.compile("Confirm")).first.click()
    page = await opened.value
    await page.get_by_role("button", name="Confirm address").click()
    await page.get_by_role("heading", name="Your email address is confirmed").wait_for()

    signed_in = await (await front_end.login(PASSWORD)).json()
    assert signed_in["user"]["emailVerified"]
    expires = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    session = {"sessionToken": "f" * 64, "userId": signed_in["user"]["id"], "expires": expires}
    assert (await front_end.post("/adapter/create-session", **session)).ok
    assert (await front_end.own_user(signed_in)).ok

    assert (await front_end.post("/auth/forgot-password", email=EMAIL)).ok
    await open_mail(window, url, "Choose a new password")
    await window.locator("pre").get_by_role("link").click()
    await window.get_by_label("New password").fill(NEW)
    await window.get_by_label("The same password again").fill(NEW)
    await window.get_by_role("button", name="Change password").click()
    await window.get_by_role("heading", name="Your password is changed").wait_for()

    assert (await front_end.own_user(signed_in)).status == 401
    assert (await front_end.refresh(signed_in)).status == 401
    assert await (await front_end.post("/adapter/get-session", sessionToken="f" * 64)).json() is None
    assert (await front_end.login(PASSWORD)).status == 400
    assert (await front_end.login(NEW)).ok
    assert windows.complaints == []
    assert all(asked.startswith(f"{url}/") for asked in windows.requests)
