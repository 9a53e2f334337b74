"""What is too large, through both forms of the gateway, to the real server."""

import json

import pytest

from gatepost.v1 import adapter_pb2, adapter_service_pb2
from tests.people import PASSWORD

MESSAGE_LIMIT = 65536
CREDENTIAL_LIMIT = 4096
CREDENTIALS = [
    ("GET", "/adapter/1", None, "x-auth-secret", "", "ADAPTER_SECRET_INVALID"),
    ("GET", "/auth/1", None, "authorization", "Bearer ", "ACCESS_TOKEN_INVALID"),
    ("GET", "/auth", None, "authorization", "Bearer ", "ACCESS_TOKEN_INVALID"),
    ("POST", "/auth/refresh", {}, "authorization", "Refresh ", "REFRESH_TOKEN_INVALID"),
]


async def an_account(rest, extras):
    """An account of a new user, as a front end sends it."""
    user = await rest.a_user()
    return {"userId": user["id"], "type": "oauth", "provider": "x", "providerAccountId": "1"} | extras


def size_of(account):
    """How large the request is that links the account, in bytes of protobuf."""
    fields = {"userId": "user_id", "type": "type", "provider": "provider", "providerAccountId": "provider_account_id"}
    message = adapter_pb2.Account(**{fields[key]: value for key, value in account.items() if key in fields})
    message.extras.update({key: value for key, value in account.items() if key not in fields})
    return adapter_service_pb2.LinkAccountRequest(account=message).ByteSize()


@pytest.mark.requirement(3, 5)
@pytest.mark.parametrize("length", [1, CREDENTIAL_LIMIT, CREDENTIAL_LIMIT + 1, 8100])
@pytest.mark.parametrize(("verb", "path", "body", "header", "scheme", "reason"), CREDENTIALS)
async def test_a_wrong_credential_is_wrong_at_any_length(rest, verb, path, body, header, scheme, reason, length):
    answer = await rest.call(verb, path, body, headers={header: scheme + "a" * length})

    assert (answer.status, answer.reason) == (401, reason)
    assert answer.headers["www-authenticate"]


@pytest.mark.requirement(5)
@pytest.mark.parametrize(
    ("length", "status"), [(MESSAGE_LIMIT, 200), (MESSAGE_LIMIT + 1, 413), (4 * MESSAGE_LIMIT, 413)]
)
async def test_a_body_is_taken_up_to_its_limit(rest, length, status):
    headers = {"x-auth-secret": rest.adapter_secret, "content-type": "application/json"}

    answer = await rest.call("POST", "/adapter/signup", raw=b'{"name": "Ann"}'.ljust(length), headers=headers)

    assert answer.status == status
    if status == 413:
        assert answer.reason == "REQUEST_TOO_LARGE"


@pytest.mark.requirement(5)
@pytest.mark.parametrize(("zeros", "status"), [(5900, 200), (6000, 413), (12_000, 413), (20_000, 413)])
async def test_a_body_that_grows_beyond_the_limit_of_a_message_is_too_large(rest, zeros, status):
    # A zero in a list is 2 bytes of JSON and 11 of protobuf.
    answer = await rest.adapter("POST", "/link-account", await an_account(rest, {"zeros": [0] * zeros}))

    assert answer.status == status
    if status == 413:
        assert answer.reason == "REQUEST_TOO_LARGE"
    else:
        assert answer.json["zeros"] == [0] * zeros


@pytest.mark.requirement(5)
@pytest.mark.parametrize(("beyond", "status"), [(0, 200), (1, 413)])
async def test_a_message_is_taken_up_to_the_byte(rest, beyond, status):
    extras = {"zeros": [0] * 4000, "text": "a" * 20_000}
    short_by = MESSAGE_LIMIT - size_of(await an_account(rest, extras))
    extras["text"] += "a" * (short_by + beyond)
    account = await an_account(rest, extras)
    assert size_of(account) == MESSAGE_LIMIT + beyond

    answer = await rest.adapter("POST", "/link-account", account)

    assert answer.status == status
    if status == 413:
        assert answer.reason == "REQUEST_TOO_LARGE"


@pytest.mark.requirement(5)
async def test_a_route_with_one_refusal_status_refuses_what_is_too_large_with_it(rest):
    body = json.dumps({"email": "ann@example.org", "password": PASSWORD}).ljust(MESSAGE_LIMIT + 1).encode()

    answer = await rest.call("POST", "/auth/login", raw=body, headers={"content-type": "application/json"})

    assert (answer.status, answer.reason) == (400, "REQUEST_TOO_LARGE")
