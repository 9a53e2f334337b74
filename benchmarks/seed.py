"""Fills Gatepost, over its own REST, with the users and sessions of fixtures.py."""

import asyncio
from typing import Any

import orjson

from benchmarks import fixtures
from benchmarks.http_connection import HttpConnection, request_of


async def fill(port: int, adapter_secret: str) -> None:
    """Makes every row that the cases work on."""
    http = await HttpConnection.open(port)

    async def post(path: str, **body: Any) -> Any:
        request = request_of("POST", path, orjson.dumps(body), x_auth_secret=adapter_secret)
        return orjson.loads(await http.send(request))

    for number in range(fixtures.USERS):
        user_id = (await post("/adapter/signup", **_user(number)))["id"]
        token = fixtures.session_token_of(number)
        await post("/adapter/create-session", sessionToken=token, userId=user_id, expires="2099-01-02T03:04:05.678Z")
        if number < fixtures.OAUTH_USERS:
            account = {"provider": "github", "providerAccountId": str(number), "access_token": "x" * 40}
            await post("/adapter/link-account", userId=user_id, type="oauth", **account)
    for number in range(fixtures.LOGIN_USERS):
        email = fixtures.login_email_of(number)
        await post("/auth/register", name="Ada Lovelace", email=email, password=fixtures.PASSWORD)
    http.close()


def _user(number: int) -> dict[str, str]:
    return {
        "name": "Ada Lovelace",
        "email": fixtures.email_of(number),
        "emailVerified": "2024-05-06T07:08:09.123Z",
        "image": "https://images.example.org/users/ada-lovelace.png",
    }


def fill_now(port: int, adapter_secret: str) -> None:
    """As `fill`, where no event loop runs."""
    asyncio.run(fill(port, adapter_secret))
