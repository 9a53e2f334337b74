import asyncio
import re

import pytest

NOBODY = "01890000-0000-7000-8000-000000000000"
USER_KEYS = ["id", "name", "email", "emailVerified", "image"]
LATER = "2030-01-02T03:04:05.678Z"


def is_null(answer):
    return (answer.status, answer.kind, answer.text) == (200, "application/json", "null")


@pytest.mark.requirement(57)
async def test_a_user_answers_exactly_the_adapters_keys(rest):
    given = {"name": "Ann", "email": "Ann@example.org", "image": "https://x/y.png", "emailVerified": LATER}

    answer = await rest.adapter("POST", "/signup", given)

    assert (answer.status, answer.kind) == (200, "application/json")
    assert list(answer.json) == USER_KEYS
    assert answer.json == {"id": answer.json["id"], **given}
    for path in (f"/{answer.json['id']}", f"/get-user/{answer.json['id']}", "/get-user-by-email?email=ann@example.org"):
        assert (await rest.adapter("GET", path)).json == answer.json


async def test_what_a_user_lacks_is_null(rest):
    answer = await rest.adapter("POST", "/signup", {"id": NOBODY, "email": None, "isAdmin": True, "locale": {"a": 1}})

    assert answer.json == dict.fromkeys(USER_KEYS) | {"id": answer.json["id"]}
    assert answer.json["id"] != NOBODY


@pytest.mark.requirement(57)
@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", f"/{NOBODY}", None),
        ("GET", f"/get-user/{NOBODY}", None),
        ("GET", "/non-existent-id", None),
        ("GET", "/%00", None),
        ("GET", "/%ff%fe", None),
        ("GET", "/a%2Fb", None),
        ("GET", "/get-user-by-email?email=non-existent-email", None),
        ("GET", "/get-user-by-email/?email=non-existent-email", None),
        ("GET", "/get-user-by-email?email=%00", None),
        ("GET", "/get-user-by-email", None),
        ("GET", "/get-user-by-account/google/1", None),
        ("GET", "/get-user-by-account/google/", None),
        ("GET", "/get-user-by-account/x/https://id.example/u/1?a=b", None),
        ("GET", "/get-account/auth0/auth0|1", None),
        ("DELETE", f"/{NOBODY}", None),
        ("DELETE", "/delete-user/1", None),
        ("DELETE", "/unlink-account/google/1", None),
        ("GET", "/get-session/none", None),
        ("POST", "/get-session", {"sessionToken": "none"}),
        ("PATCH", "/update-session", {"sessionToken": "none", "expires": LATER}),
        ("DELETE", "/delete-session/none", None),
        ("POST", "/delete-session", {"sessionToken": "none"}),
        ("PATCH", "/use-verification-token", {"identifier": "a", "token": "b"}),
    ],
)
async def test_what_is_absent_is_null(rest, verb, path, body):
    answer = await rest.adapter(verb, path, body)

    assert is_null(answer), answer


async def test_a_plus_in_an_address_that_is_not_encoded_is_a_plus(rest):
    user = await rest.a_user(email="ann+news@example.org")

    for spelling in ("ann+news@example.org", "ann%2Bnews%40example.org"):
        assert (await rest.adapter("GET", f"/get-user-by-email?email={spelling}")).json == user


@pytest.mark.parametrize(("verb", "path"), [("PATCH", ""), ("PATCH", "/"), ("POST", "/update-user")])
async def test_an_update_changes_what_is_given_and_clears_what_is_null(rest, verb, path):
    user = await rest.a_user(image="https://x/y.png")

    answer = await rest.adapter(verb, path, {"id": user["id"], "name": "Anna", "image": None, "other": 1})

    assert answer.json == user | {"name": "Anna", "image": None}


async def test_an_update_of_nobody_is_404(rest):
    answer = await rest.adapter("PATCH", "/", {"id": NOBODY, "name": "x"})

    assert (answer.status, answer.reason) == (404, "USER_NOT_FOUND")


async def test_a_taken_address_is_409(rest):
    await rest.a_user(email="ann@example.org")

    answers = await asyncio.gather(*(rest.adapter("POST", "/signup", {"email": "ANN@example.org"}) for _ in range(5)))

    assert {(answer.status, answer.reason) for answer in answers} == {(409, "EMAIL_TAKEN")}


@pytest.mark.parametrize("path", ["", "/delete-user"])
async def test_a_deleted_user_is_answered_as_they_were(rest, path):
    user = await rest.a_user()
    await rest.people.a_session(user["id"])

    assert (await rest.adapter("DELETE", f"{path}/{user['id']}")).json == user
    assert is_null(await rest.adapter("GET", f"/{user['id']}"))


async def test_an_account_comes_back_whole_with_what_else_the_provider_sent(rest):
    user = await rest.a_user()
    account = {
        "userId": user["id"],
        "type": "oauth",
        "provider": "vk",
        "providerAccountId": "https://id.example/u/1|a:b/",
        "access_token": "a" * 12_000,
        "refresh_token": "r" * 12_000,
        "expires_at": 4_102_444_800,
        "token_type": "Bearer",
        "scope": "openid email",
        "id_token": "i" * 12_000,
        "session_state": "s",
        "user_id": 66748,
        "refresh_token_expires_in": 15_897_600,
        "extras": {"nested": [1, 2.5, None, "x", True]},
        "access-token": "dashed",
        "id": "an id of its own",
    }

    linked = await rest.adapter("POST", "/link-account", account)

    assert (linked.status, linked.json) == (200, account)
    for path in ("/get-account", "/get-user-by-account"):
        found = await rest.adapter("GET", f"{path}/vk/https://id.example/u/1|a:b/")
        assert found.json == (account if path == "/get-account" else user)
    unlinked = await rest.adapter("DELETE", "/unlink-account/vk/https://id.example/u/1|a:b/")
    assert unlinked.json == account


async def test_an_account_without_tokens_has_them_as_null(rest):
    user = await rest.a_user()
    account = {"userId": user["id"], "type": "email", "provider": "email", "providerAccountId": "a@example.org"}

    answer = await rest.adapter("POST", "/link-account", account | {"access_token": None})

    assert answer.json == account | dict.fromkeys(
        ["access_token", "refresh_token", "id_token", "expires_at", "token_type", "scope", "session_state"]
    )


async def test_another_users_account_is_409_and_nobodys_is_404(rest):
    first, second = await rest.a_user(), await rest.a_user()
    account = {"type": "oauth", "provider": "google", "providerAccountId": "1"}
    await rest.adapter("POST", "/link-account", account | {"userId": first["id"]})

    taken = await rest.adapter("POST", "/link-account", account | {"userId": second["id"]})
    unknown = await rest.adapter("POST", "/link-account", account | {"userId": NOBODY, "providerAccountId": "2"})

    assert (taken.status, taken.reason) == (409, "ACCOUNT_TAKEN")
    assert (unknown.status, unknown.reason) == (404, "USER_NOT_FOUND")


@pytest.mark.requirement(57)
async def test_a_session_lives_changes_and_ends(rest):
    user = await rest.a_user()
    given = {"sessionToken": "t" * 36, "userId": user["id"], "expires": LATER}

    created = (await rest.adapter("POST", "/create-session", given)).json
    taken = await rest.adapter("POST", "/create-session", given)

    assert created == {"id": created["id"], **given}
    assert list(created) == ["id", "sessionToken", "userId", "expires"]
    assert (taken.status, taken.reason) == (409, "SESSION_TOKEN_TAKEN")
    for found in (
        await rest.adapter("GET", f"/get-session/{given['sessionToken']}"),
        await rest.adapter("POST", "/get-session", {"sessionToken": given["sessionToken"]}),
    ):
        assert found.json == {"session": created, "user": user}

    change = {"sessionToken": given["sessionToken"], "expires": "2031-01-01T00:00:00+02:00"}
    changed = (await rest.adapter("PATCH", "/update-session", change)).json
    assert changed == created | {"expires": "2030-12-31T22:00:00.000Z"}
    assert (await rest.adapter("DELETE", f"/delete-session/{given['sessionToken']}")).json == changed
    assert is_null(await rest.adapter("GET", f"/get-session/{given['sessionToken']}"))


@pytest.mark.requirement(57)
async def test_an_expired_session_is_null(rest, clock):
    from datetime import timedelta

    session = await rest.people.a_session((await rest.a_user())["id"], timedelta(hours=1))
    clock.advance(timedelta(hours=2))

    assert is_null(await rest.adapter("GET", f"/get-session/{session.session_token}"))


@pytest.mark.requirement(57)
async def test_a_verification_token_has_no_id_and_is_good_once(rest):
    given = {"identifier": "ann@example.org", "token": "t" * 64, "expires": LATER}

    made = await rest.adapter("POST", "/create-verification-token", given)
    use = {"identifier": given["identifier"], "token": given["token"]}
    answers = await asyncio.gather(*(rest.adapter("PATCH", "/use-verification-token", use) for _ in range(50)))

    assert made.json == given
    assert sorted(answer.text != "null" for answer in answers) == [False] * 49 + [True]


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/signup", {"email": ""}, "email"),
        ("/signup", {"email": 5}, "email"),
        ("/signup", {"emailVerified": "yesterday"}, "emailVerified"),
        ("/signup", {"emailVerified": "2026-01-02T03:04:05"}, "emailVerified"),
        ("/signup", {"emailVerified": True}, "emailVerified"),
        ("/signup", {"name": "a\0b"}, "name"),
        ("/create-session", {"userId": NOBODY, "expires": LATER}, "sessionToken"),
        ("/create-session", {"sessionToken": "t", "userId": NOBODY}, "expires"),
        (
            "/link-account",
            {"userId": NOBODY, "type": "a", "provider": "x", "providerAccountId": 5},
            "providerAccountId",
        ),
        ("/link-account", {"userId": NOBODY, "type": "oauth", "providerAccountId": "1"}, "provider"),
        (
            "/link-account",
            {"userId": NOBODY, "type": "oauth", "provider": "x", "providerAccountId": "1", "expires_at": 2**60},
            "expires_at",
        ),
    ],
    ids=str,
)
async def test_a_field_that_breaks_its_rule_is_named_as_it_was_sent(rest, path, body, field):
    answer = await rest.adapter("POST", path, body)

    assert (answer.status, answer.kind, answer.reason) == (400, "application/problem+json", "REQUEST_INVALID")
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.requirement(4)
@pytest.mark.parametrize("secret", [None, "wrong", "", "x" * 40])
async def test_without_the_right_secret_every_route_is_401(rest, secret):
    from tests.contract.doors import DOORS

    headers = {} if secret is None else {"x-auth-secret": secret}
    doors = [door for door in DOORS if door.guard == "ADAPTER"]
    for door in doors:
        path = re.sub(r"\{.*?\}", "abcd", door.path)  # which base64 is as well

        answer = await rest.call(door.verb, path, {} if door.verb in ("POST", "PATCH") else None, headers=headers)

        assert answer.status == 401, (door, answer)
        assert answer.headers["www-authenticate"]
        assert answer.reason == ("ADAPTER_SECRET_INVALID" if secret else "CREDENTIAL_MISSING")
    assert len(doors) > 20


@pytest.mark.parametrize("path", ["/signup", "/link-account", "/create-verification-token", "/update-user"])
async def test_a_body_that_is_missing_is_refused(rest, path):
    answer = await rest.adapter("POST", path)

    assert (answer.status, answer.reason) == (400, "REQUEST_INVALID")


async def test_a_large_picture_fits(rest):
    picture = "data:image/png;base64," + "A" * 30_000

    assert (await rest.adapter("POST", "/signup", {"image": picture})).json["image"] == picture
