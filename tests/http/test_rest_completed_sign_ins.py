"""Signing in by two proofs over REST, in the words that the article's client and ours understand."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.people import PASSWORD
from tests.second_factors import turned_on, wrong


@pytest.fixture
async def ann(rest, sql, settings, clock):
    """A person with a linked account and a second factor: their answer to a login of before, and their app."""
    made = await rest.logged_in("ann@example.org")
    await sql.execute("UPDATE users SET email_verified = now()")
    await rest.people.an_account(made["user"]["id"])
    return made["user"], await turned_on(sql, settings, clock, made["user"]["id"])


async def login(rest):
    return await rest.call("POST", "/auth/login", {"email": "ann@example.org", "password": PASSWORD})


async def complete(rest, challenge, code, **more):
    return await rest.call("POST", "/auth/complete-sign-in", {"challenge": challenge, "code": code, **more})


@pytest.mark.requirement(31)
async def test_a_login_is_a_problem_with_a_challenge_that_a_code_completes(rest, ann):
    user, app = ann

    asked = await login(rest)

    assert (asked.status, asked.kind, asked.reason) == (400, "application/problem+json", "SECOND_FACTOR_REQUIRED")
    assert asked.headers["cache-control"] == "no-store"
    assert list(asked.json["metadata"]) == ["challenge"]
    answer = await complete(rest, asked.json["metadata"]["challenge"], app.next_code())
    assert (answer.status, list(answer.json)) == (200, ["user", "backendTokens", "deviceToken"])
    assert (answer.json["user"]["id"], answer.json["user"].keys()) == (user["id"], user.keys())
    assert list(answer.json["backendTokens"]) == ["accessToken", "refreshToken", "expiresIn"]
    assert answer.json["deviceToken"]


@pytest.mark.requirement(31)
async def test_a_providers_sign_in_is_refused_with_401_and_completed_without_a_device_token(rest, ann):
    body = {"email": "ann@example.org", "provider": "google"}

    asked = await rest.call("POST", "/auth/oAuthlogin", body, headers={"x-auth-secret": rest.adapter_secret})

    assert (asked.status, asked.reason) == (401, "SECOND_FACTOR_REQUIRED")
    answer = await complete(rest, asked.json["metadata"]["challenge"], ann[1].next_code())
    assert (answer.status, answer.json["deviceToken"]) == (200, None)


async def test_every_refusal_of_a_completion_is_400(rest, ann):
    challenge, code = (await login(rest)).json["metadata"]["challenge"], ann[1].next_code()

    for body, reason in [
        ({"challenge": challenge, "code": wrong(code)}, "SECOND_FACTOR_INVALID"),
        ({"challenge": "ab" * 32, "code": code}, "CHALLENGE_INVALID"),
        ({"challenge": challenge}, "REQUEST_INVALID"),
        ({"challenge": challenge, "code": code, "other": 1}, "REQUEST_INVALID"),
    ]:
        answer = await rest.call("POST", "/auth/complete-sign-in", body)
        assert (answer.status, answer.reason) == (400, reason)
        assert "metadata" not in answer.json


@pytest.mark.requirement(31)
async def test_a_session_of_the_adapter_asks_for_a_code(rest, ann):
    user, app = ann
    session = {
        "sessionToken": "a token of a session",
        "userId": user["id"],
        "expires": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }

    without = await rest.adapter("POST", "/create-session", session)
    bad = await rest.adapter("POST", "/create-session", {**session, "code": wrong(app.code())})
    made = await rest.adapter("POST", "/create-session", {**session, "code": app.next_code()})

    assert (without.status, without.reason) == (403, "SECOND_FACTOR_REQUIRED")
    assert (bad.status, bad.reason) == (401, "SECOND_FACTOR_INVALID")
    assert (made.status, made.json["userId"]) == (200, user["id"])
    assert "code" not in made.json
