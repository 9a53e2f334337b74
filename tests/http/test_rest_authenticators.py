"""Authenticators over REST, in the spelling of @auth/core."""

import base64
from urllib.parse import quote

import pytest

NOBODY = "01890000-0000-7000-8000-000000000000"
# In base64 it holds all that paths might trip over: +/v7+/w==
CREDENTIAL = bytes([0xFB, 0xFE, 0xFF, 0xFB, 0xFE, 0xFF, 0xFB])
STANDARD = base64.b64encode(CREDENTIAL).decode()


@pytest.fixture
async def kept(rest):
    """An authenticator as it was sent."""
    user = await rest.a_user()
    sent = {
        "credentialID": STANDARD,
        "userId": user["id"],
        "providerAccountId": STANDARD,
        "credentialPublicKey": base64.b64encode(b"\0key\xff\xfe").decode(),
        "counter": 4_294_967_294,
        "credentialDeviceType": "multiDevice",
        "credentialBackedUp": True,
        "transports": "internal,hybrid",
    }
    answer = await rest.adapter("POST", "/create-authenticator", sent)
    assert (answer.status, answer.json) == (200, sent)
    return sent


@pytest.mark.requirement(57)
@pytest.mark.parametrize(
    "spelling",
    [
        STANDARD,
        quote(STANDARD, safe=""),
        STANDARD.rstrip("="),
        base64.urlsafe_b64encode(CREDENTIAL).decode(),
        base64.urlsafe_b64encode(CREDENTIAL).decode().rstrip("="),
    ],
)
async def test_every_spelling_of_a_credential_finds_it(rest, kept, spelling):
    assert "+" in STANDARD
    assert "/" in STANDARD
    answer = await rest.adapter("GET", f"/get-authenticator/{spelling}")

    assert (answer.status, answer.json) == (200, kept)


@pytest.mark.requirement(57)
async def test_what_is_absent_is_null_or_an_empty_list(rest):
    found = await rest.adapter("GET", "/get-authenticator/bm9uZQ==")
    assert (found.status, found.text) == (200, "null")
    for user_id in (NOBODY, "none"):
        listed = await rest.adapter("GET", f"/list-authenticators/{user_id}")
        assert (listed.status, listed.kind, listed.text) == (200, "application/json", "[]")


@pytest.mark.requirement(57)
async def test_a_users_authenticators_are_a_json_array(rest, kept):
    answer = await rest.adapter("GET", f"/list-authenticators/{kept['userId']}")

    assert (answer.status, answer.json) == (200, [kept])


@pytest.mark.requirement(57)
@pytest.mark.parametrize("transports", [{}, {"transports": None}, {"transports": ""}])
async def test_what_the_browser_did_not_say_is_null(rest, kept, transports):
    sent = {key: kept[key] for key in kept if key != "transports"} | {"credentialID": "b3RoZXI="}

    answer = await rest.adapter("POST", "/create-authenticator", sent | transports)

    assert answer.json == sent | {"transports": None}


@pytest.mark.requirement(32)
async def test_a_counter_grows_or_is_refused(rest, kept):
    sent = {"credentialID": STANDARD, "counter": 4_294_967_295}

    grown = await rest.adapter("PATCH", "/update-authenticator-counter", sent)
    again = await rest.adapter("PATCH", "/update-authenticator-counter", sent)
    nobodys = await rest.adapter("PATCH", "/update-authenticator-counter", sent | {"credentialID": "bm9uZQ=="})

    assert (grown.status, grown.json) == (200, kept | {"counter": 4_294_967_295})
    assert (again.status, again.reason) == (401, "AUTHENTICATOR_COUNTER_REGRESSED")
    assert (nobodys.status, nobodys.reason) == (404, "AUTHENTICATOR_NOT_FOUND")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"credentialID": "?"}, "credentialID"),
        ({"counter": -1}, "counter"),
        ({"counter": 2**32}, "counter"),
        ({"credentialDeviceType": None}, "credentialDeviceType"),
    ],
)
async def test_what_is_no_authenticator_is_refused(rest, kept, change, field):
    answer = await rest.adapter("POST", "/create-authenticator", kept | change)

    assert (answer.status, answer.reason) == (400, "REQUEST_INVALID")
    assert [error["field"] for error in answer.json["errors"]] == [field]
