"""What docs/security.md says to switch off, against a client that resolves dots as the article's does."""

import re
from pathlib import Path

import pytest
from yarl import URL

from http_gateway.app import running
from http_gateway.settings import GatewaySettings

PAGE = Path(__file__).parents[2] / "docs" / "security.md"


def advised():
    """The routes that the page says to switch off."""
    text = " ".join(PAGE.read_text().split())
    return re.search(r"GATEPOST_DISABLED_ROUTES='([^']+)'", text)[1]


@pytest.mark.parametrize("cookie", ["../{}", "../delete-user/{}", "../unlink-account/google/1", "x/../../{}"])
async def test_a_cookie_with_dots_deletes_nothing(cookie, server, people, shared_http):
    user = await people.a_user()
    await people.an_account(user.id, provider="google", provider_account_id="1")
    settings = GatewaySettings(http_port=0, disabled_routes=advised())
    async with running(settings, server.channel) as gateway:
        # Joined as fetch and axios do it: dots are resolved before anything is sent.
        url = URL(f"{gateway.http_url}/adapter/delete-session/").join(URL(cookie.format(user.id)))

        async with shared_http.delete(url, headers=dict(people.secret)) as answer:
            assert answer.status in (404, 405)

    from gatepost.v1.adapter_service_pb2 import GetAccountRequest, GetUserByIdRequest

    found = await people.adapter.GetUserById(GetUserByIdRequest(id=user.id), metadata=people.secret)
    account = await people.adapter.GetAccount(
        GetAccountRequest(provider="google", provider_account_id="1"), metadata=people.secret
    )
    assert found.HasField("user")
    assert account.HasField("account")
