import time
from datetime import timedelta
from uuid import uuid4

import jwt
import pytest

from tests.people import PASSWORD

TOKEN_KEYS = ["accessToken", "refreshToken", "expiresIn"]
PROFILE_KEYS = [
    "background", "companyName", "about", "country", "website", "region", "annualOperatingBudget", "industry",
    "foundedYear", "headquarter", "employeesNumber",
]  # fmt: skip
USER_KEYS = ["id", "name", "email", "emailVerified", "image", *PROFILE_KEYS, "created_at", "updated_at", "locale"]


async def login(rest, email, password=PASSWORD):
    return await rest.call("POST", "/auth/login", {"email": email, "password": password})


def bearer(signed_in):
    return {"authorization": f"Bearer {signed_in['backendTokens']['accessToken']}"}


def refresh(signed_in):
    return {"authorization": f"Refresh {signed_in['backendTokens']['refreshToken']}"}


async def test_registering_answers_the_person_without_an_id(rest):
    given = {"name": "Ann", "email": "ann@example.org", "companyName": "A & Co", "foundedYear": 1999, "locale": "fr-CA"}

    answers = [await rest.call("POST", "/auth/register", given | {"password": PASSWORD}) for _ in range(2)]

    assert {answer.status for answer in answers} == {201}
    assert answers[0].json == answers[1].json == dict.fromkeys(PROFILE_KEYS) | given


async def test_a_login_answers_the_user_and_their_tokens(rest):
    await rest.people.registered(email="ann@example.org")

    answer = await login(rest, "ann@example.org")

    assert (answer.status, list(answer.json)) == (200, ["user", "backendTokens", "deviceToken"])
    assert list(answer.json["user"]) == USER_KEYS
    tokens = answer.json["backendTokens"]
    assert list(tokens) == TOKEN_KEYS
    assert isinstance(tokens["expiresIn"], int)
    assert 13 * 60_000 < tokens["expiresIn"] - time.time() * 1000 <= 15 * 60_000
    claims = jwt.decode(tokens["accessToken"], options={"verify_signature": False})
    assert (claims["sub"], claims["username"]) == (answer.json["user"]["id"], "ann@example.org")


@pytest.mark.parametrize(
    "body",
    [
        {"email": "nobody@example.org", "password": PASSWORD},
        {"email": "ann@example.org", "password": "wrong password"},
        {"email": "ann@example.org"},
        {"email": "ann@example.org", "password": 5},
        {"email": "ann@example.org", "password": PASSWORD, "other": 1},
        {},
        [],
        "text",
    ],
    ids=str,
)
async def test_every_refusal_of_a_login_is_400(rest, body):
    await rest.people.registered(email="ann@example.org")

    answer = await rest.call("POST", "/auth/login", body)

    assert (answer.status, answer.kind, answer.json["status"]) == (400, "application/problem+json", 400)


@pytest.mark.parametrize(
    ("raw", "kind", "reason"),
    [
        (b'{"email": ', "application/json", "JSON_INVALID"),
        (b"\xff\xfe", "application/json", "JSON_INVALID"),
        (b'{"email": "\\ud800"}', "application/json", "JSON_INVALID"),
        (b"email=a", "application/x-www-form-urlencoded", "MEDIA_TYPE_UNSUPPORTED"),
        (b'{"email": "' + b"a" * 70_000 + b'"}', "application/json", "REQUEST_TOO_LARGE"),
        (b"[" * 5_000 + b"]" * 5_000, "application/json", None),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_body_that_cannot_be_read_is_400_at_login_too(rest, raw, kind, reason):
    answer = await rest.call("POST", "/auth/login", raw=raw, headers={"content-type": kind})

    assert answer.status == 400
    assert reason in (None, answer.reason)


async def test_a_fault_at_login_has_no_body(rest, sql):
    await rest.people.registered(email="ann@example.org")
    await sql.execute("ALTER TABLE refresh_tokens RENAME TO refresh_tokens_gone")
    try:
        answer = await login(rest, "ann@example.org")
    finally:
        await sql.execute("ALTER TABLE refresh_tokens_gone RENAME TO refresh_tokens")

    assert (answer.status, answer.text) == (500, "")


async def test_an_oauth_login_wants_the_adapter_secret_and_refuses_with_401(rest):
    user = await rest.a_user(email="ann@example.org")
    await rest.people.an_account(user["id"])
    secret = {"x-auth-secret": rest.adapter_secret}

    good = await rest.call("POST", "/auth/oAuthlogin", {"email": "ann@example.org"}, headers=secret)
    refusals = [
        await rest.call("POST", "/auth/oAuthlogin", {"email": "ann@example.org"}),
        await rest.call("POST", "/auth/oAuthlogin", {"email": "bob@example.org"}, headers=secret),
        await rest.call("POST", "/auth/oAuthlogin", {"email": 5}, headers=secret),
        await rest.call("POST", "/auth/oAuthlogin", raw=b"{", headers=secret),
    ]

    assert (good.status, list(good.json["backendTokens"])) == (200, TOKEN_KEYS)
    assert [refusal.status for refusal in refusals] == [401] * 4


@pytest.mark.parametrize(
    "body", [None, {}, {"username": "bob@example.org", "sub": {"name": "Bob"}}, {"username": None, "sub": [1]}]
)
async def test_a_refresh_goes_by_the_token_alone(rest, body):
    ann = await rest.logged_in()

    answer = await rest.call("POST", "/auth/refresh", body, headers=refresh(ann))

    assert (answer.status, list(answer.json)) == (200, TOKEN_KEYS)
    claims = jwt.decode(answer.json["accessToken"], options={"verify_signature": False})
    assert claims["sub"] == ann["user"]["id"]


@pytest.mark.requirement(37)
async def test_a_refresh_token_is_good_once_over_rest(rest, clock):
    ann = await rest.logged_in()
    first = await rest.call("POST", "/auth/refresh", {}, headers=refresh(ann))
    clock.advance(timedelta(seconds=11))

    second = await rest.call("POST", "/auth/refresh", {}, headers=refresh(ann))
    successor = await rest.call("POST", "/auth/refresh", {}, headers=refresh({"backendTokens": first.json}))

    assert [(answer.status, answer.reason) for answer in (second, successor)] == [(401, "REFRESH_TOKEN_INVALID")] * 2


@pytest.mark.requirement(38)
async def test_a_retry_gets_the_same_answer_over_rest(rest, clock):
    ann = await rest.logged_in()
    body = {"username": "ann", "requestId": str(uuid4())}

    first = await rest.call("POST", "/auth/refresh", body, headers=refresh(ann))
    clock.advance(timedelta(minutes=4))
    retried = await rest.call("POST", "/auth/refresh", body, headers=refresh(ann))

    assert (first.status, retried.status, retried.text) == (200, 200, first.text)


@pytest.mark.parametrize("request_id", ["1", "", 5, "00000000-0000-0000-0000-000000000000"])
async def test_a_request_id_is_a_uuid(rest, request_id):
    ann = await rest.logged_in()

    answer = await rest.call("POST", "/auth/refresh", {"requestId": request_id}, headers=refresh(ann))

    assert (answer.status, answer.reason) == (400, "REQUEST_INVALID")
    assert [error["field"] for error in answer.json["errors"]] == ["requestId"]


async def test_a_user_reads_and_changes_themselves(rest):
    ann = await rest.logged_in()
    path = f"/auth/{ann['user']['id']}"

    before = await rest.call("GET", path, headers=bearer(ann))
    changed = await rest.call("PUT", path, {"name": "Anna", "country": "France", "about": None}, headers=bearer(ann))

    assert before.json == ann["user"]
    assert changed.json == before.json | {"name": "Anna", "country": "France", "updated_at": changed.json["updated_at"]}
    assert (await rest.call("GET", f"{path}/", headers=bearer(ann))).json == changed.json


@pytest.mark.requirement(12)
@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        ({"email": "x@example.org"}, "FIELD_NOT_UPDATABLE", "email"),
        ({"emailVerified": "2026-01-01T00:00:00Z"}, "FIELD_NOT_UPDATABLE", "emailVerified"),
        ({"id": "1"}, "FIELD_NOT_UPDATABLE", "id"),
        ({"created_at": "2026-01-01T00:00:00Z"}, "FIELD_NOT_UPDATABLE", "created_at"),
        ({"password": "x"}, "REQUEST_INVALID", "password"),
        ({"password_hash": "x"}, "REQUEST_INVALID", "password_hash"),
        ({"role": "operator"}, "REQUEST_INVALID", "role"),
        ({"updateMask": "email"}, "REQUEST_INVALID", "updateMask"),
    ],
    ids=str,
)
async def test_nothing_else_of_a_user_can_be_changed(rest, body, reason, field):
    ann = await rest.logged_in()

    answer = await rest.call("PUT", f"/auth/{ann['user']['id']}", {"name": "x"} | body, headers=bearer(ann))

    assert (answer.status, answer.reason) == (400, reason)
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.requirement(59)
@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
async def test_another_users_things_are_403(rest, verb):
    ann, bob = await rest.logged_in(), await rest.logged_in()

    answer = await rest.call(
        verb, f"/auth/{bob['user']['id']}", {"name": "x"} if verb == "PUT" else None, headers=bearer(ann)
    )

    assert (answer.status, answer.reason) == (403, "PERMISSION_DENIED")


@pytest.mark.requirement(16)
async def test_an_operator_pages_through_users(rest, sql):
    operator = await rest.logged_in()
    await sql.execute("UPDATE users SET role = 'operator'")
    for _ in range(3):
        await rest.a_user()

    first = await rest.call("GET", "/auth?pageSize=3", headers=bearer(operator))
    second = await rest.call(
        "GET", f"/auth/?pageSize=3&pageToken={first.json['nextPageToken']}", headers=bearer(operator)
    )
    other = await rest.call("GET", f"/auth?search=x&pageToken={first.json['nextPageToken']}", headers=bearer(operator))

    assert list(first.json) == ["users", "nextPageToken"]
    assert (len(first.json["users"]), len(second.json["users"]), second.json["nextPageToken"]) == (3, 1, "")
    assert (other.status, other.reason) == (400, "PAGE_TOKEN_INVALID")


async def test_a_user_who_is_no_operator_lists_nobody(rest):
    ann = await rest.logged_in()

    assert (await rest.call("GET", "/auth", headers=bearer(ann))).status == 403
    assert (await rest.call("GET", "/auth")).status == 401


async def test_logging_out_ends_the_sign_in(rest):
    ann = await rest.logged_in()

    ended = await rest.call("POST", "/auth/logout", {}, headers=refresh(ann))

    assert (ended.status, ended.json) == (200, {})
    assert (await rest.call("GET", f"/auth/{ann['user']['id']}", headers=bearer(ann))).reason == "ACCESS_TOKEN_INVALID"


@pytest.mark.requirement(35)
async def test_a_refresh_token_is_no_access_token_and_the_other_way_round(rest):
    ann = await rest.logged_in()
    tokens = ann["backendTokens"]

    as_access = await rest.call(
        "GET", f"/auth/{ann['user']['id']}", headers={"authorization": f"Bearer {tokens['refreshToken']}"}
    )
    as_refresh = await rest.call("POST", "/auth/refresh", headers={"authorization": f"Refresh {tokens['accessToken']}"})

    assert (as_access.status, as_access.reason) == (401, "ACCESS_TOKEN_INVALID")
    assert (as_refresh.status, as_refresh.reason) == (401, "REFRESH_TOKEN_INVALID")


@pytest.mark.requirement(34)
async def test_the_published_keys_verify_an_access_token(rest):
    ann = await rest.logged_in()

    published = await rest.call("GET", "/.well-known/jwks.json")

    keys = jwt.PyJWKSet.from_dict(published.json)
    token = ann["backendTokens"]["accessToken"]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["EdDSA"], audience="gatepost")["sub"] == ann["user"]["id"]
    assert published.json["keys"][0].keys() == {"kty", "use", "alg", "kid", "crv", "x"}


@pytest.mark.requirement(11)
async def test_keys_that_the_contract_does_not_know_are_refused(rest):
    given = {"name": "Ann", "email": "ann@example.org", "password": PASSWORD, "isAdmin": True}

    answer = await rest.call("POST", "/auth/register", given)

    assert (answer.status, answer.json["errors"]) == (400, [{"field": "isAdmin", "detail": "is not known here"}])


@pytest.mark.parametrize("kind", ["text/plain;charset=UTF-8", "application/json; charset=utf-8", None])
async def test_a_body_of_json_is_taken_for_json(rest, kind):
    ann = await rest.logged_in()
    headers = refresh(ann) | ({"content-type": kind} if kind else {})

    answer = await rest.call("POST", "/auth/refresh", raw=b'{"username": "ann"}', headers=headers)

    assert answer.status == 200
