"""Which address the gateway tells of a client: one that a stranger cannot choose."""

from dataclasses import dataclass
from ipaddress import ip_network

import pytest
from multidict import CIMultiDict

from gatepost.v1.session_service_pb2 import ListSignInsRequest
from http_gateway.app import running as running_gateway
from http_gateway.clients import address_of, client_metadata_of
from http_gateway.settings import GatewaySettings
from tests.people import PASSWORD
from tests.rest import Rest
from tests.throttled import SMALL

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")]


@dataclass
class Asked:
    """As much of a request as says where it comes from."""

    remote: str | None
    forwarded: tuple[str, ...] = ()

    @property
    def headers(self):
        return CIMultiDict([("X-Forwarded-For", each) for each in self.forwarded])


@pytest.mark.requirement(14)
@pytest.mark.parametrize(
    ("asked", "address"),
    [
        (Asked("192.0.2.1"), "192.0.2.1"),
        (Asked("192.0.2.1", ("203.0.113.7",)), "192.0.2.1"),
        (Asked("10.0.0.1", ("203.0.113.7",)), "203.0.113.7"),
        (Asked("10.0.0.1", ("198.51.100.66, 203.0.113.7",)), "203.0.113.7"),
        (Asked("10.0.0.1", ("198.51.100.66", "203.0.113.7, 10.0.0.2")), "203.0.113.7"),
        (Asked("10.0.0.1", ("10.0.0.9, 203.0.113.7, 10.0.0.2",)), "203.0.113.7"),
        (Asked("::ffff:10.0.0.1", ("203.0.113.7",)), "203.0.113.7"),
        (Asked("10.0.0.1", ("::ffff:203.0.113.7",)), "203.0.113.7"),
        (Asked("10.0.0.1", ("203.0.113.7:4711",)), "203.0.113.7"),
        (Asked("10.0.0.1", ("[2001:db8::7]:4711",)), "2001:db8::7"),
        (Asked("2001:db8:ffff::1", ("2001:db8::7%eth0",)), "2001:db8::7"),
        (Asked("10.0.0.1", ("10.0.0.3, 10.0.0.2",)), "10.0.0.3"),
        (Asked("10.0.0.1", ("203.0.113.7, unknown",)), "10.0.0.1"),
        (Asked("10.0.0.1", (", ,203.0.113.7,",)), "203.0.113.7"),
        (Asked("10.0.0.1"), None),
        (Asked(None, ("203.0.113.7",)), None),
    ],
    ids=str,
)
def test_the_rightmost_stranger_is_the_client(asked, address):
    assert address_of(asked, PROXIES) == address


@pytest.mark.requirement(14)
def test_without_proxies_nothing_but_the_connection_tells():
    assert dict(client_metadata_of(Asked("fe80::1%eth0", ("203.0.113.7",)), [])) == {"x-client-address": "fe80::1"}


@pytest.fixture
async def behind_a_proxy(throttled, shared_http, people):
    """A gateway whose proxies are on this machine."""
    settings = GatewaySettings(http_port=0, trusted_proxies="127.0.0.0/8")
    async with running_gateway(settings, throttled[0].channel) as gateway:
        yield Rest(shared_http, gateway.http_url, "", people)


async def login(rest, address, email="nobody@example.org", password=PASSWORD):
    body = {"email": email, "password": password}
    return await rest.call("POST", "/auth/login", body, headers={"x-forwarded-for": address})


@pytest.mark.requirement(14, 27)
async def test_a_forged_address_brings_no_further_tries(behind_a_proxy, people):
    email = await people.registered()
    for number in range(SMALL["login.block"]):
        answer = await login(behind_a_proxy, f"198.51.{number}.1, 203.0.113.{number}", f"nobody{number}@example.org")
        assert (answer.status, answer.reason) == (400, "CREDENTIALS_INVALID")

    spent = await login(behind_a_proxy, "198.51.100.1, 203.0.113.99", email)

    assert (spent.status, spent.reason) == (400, "THROTTLED")
    assert 0 < int(spent.headers["retry-after"]) <= 3600 / SMALL["login.block"]
    assert (await login(behind_a_proxy, "198.51.100.1", email)).status == 200


@pytest.mark.requirement(14, 44)
async def test_a_sign_in_bears_the_address_that_a_proxy_tells(behind_a_proxy, people):
    answer = (await login(behind_a_proxy, "203.0.113.7", await people.registered())).json

    metadata = [("authorization", f"Bearer {answer['backendTokens']['accessToken']}")]
    request = ListSignInsRequest(user_id=answer["user"]["id"])
    [found] = (await people.sessions.ListSignIns(request, metadata=metadata)).sign_ins
    assert found.address == "203.0.113.7"


@pytest.mark.requirement(28)
async def test_a_device_token_travels_over_rest(behind_a_proxy, people):
    email = await people.registered()
    token = (await login(behind_a_proxy, "203.0.113.7", email)).json["deviceToken"]
    for _ in range(SMALL["login.account"]):
        await login(behind_a_proxy, "198.51.100.1", email, "wrong")

    assert (await login(behind_a_proxy, "203.0.113.7", email)).reason == "THROTTLED"
    body = {"email": email, "password": PASSWORD, "deviceToken": token}
    assert (await behind_a_proxy.call("POST", "/auth/login", body)).status == 200


@pytest.mark.requirement(28)
async def test_a_device_stays_known_over_rest_when_its_user_changes_or_forgets_the_password(behind_a_proxy, people):
    email = await people.registered()
    first = (await login(behind_a_proxy, "203.0.113.7", email)).json
    bearer = {"authorization": f"Bearer {first['backendTokens']['accessToken']}"}
    body = {"currentPassword": PASSWORD, "newPassword": "staple of another horse"}

    changed = (await behind_a_proxy.call("POST", "/auth/change-password", body, headers=bearer)).json["deviceToken"]

    assert changed != first["deviceToken"]
    headers, outcomes = {"x-forwarded-for": "203.0.113.7"}, []
    for token in (*[None] * (SMALL["forgot_password.block"] + 1), changed):
        body = {"email": email, "deviceToken": token}
        answer = await behind_a_proxy.call("POST", "/auth/forgot-password", body, headers=headers)
        outcomes.append(answer.status)
    assert outcomes == [*[200] * SMALL["forgot_password.block"], 429, 200]


@pytest.mark.requirement(27)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/forgot-password", {"email": "ann@example.org"}),
        ("/auth/verify-email/" + "0" * 64, {}),
        ("/auth/verify-email", {"token": "0" * 64}),
    ],
)
async def test_elsewhere_who_is_throttled_gets_429(behind_a_proxy, path, body):
    headers = {"x-forwarded-for": "203.0.113.7"}
    for _ in range(SMALL["mailed_link.block"]):
        assert (await behind_a_proxy.call("POST", path, body, headers=headers)).status in (200, 400)

    answer = await behind_a_proxy.call("POST", path, body, headers=headers)

    assert (answer.status, answer.reason) == (429, "THROTTLED")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.requirement(27)
async def test_the_pages_of_links_are_throttled_by_the_browsers_address(behind_a_proxy):
    form = b"token=" + b"0" * 64

    async def sent(address):
        headers = {"x-forwarded-for": address, "content-type": "application/x-www-form-urlencoded"}
        return (await behind_a_proxy.call("POST", "/verify-email", raw=form, headers=headers)).status

    assert [await sent("203.0.113.7") for _ in range(4)] == [400] * SMALL["mailed_link.block"] + [429]
    assert await sent("198.51.100.1") == 400
