"""Forgotten passwords over REST: both paths, and a link that nobody uses up by looking at it."""

import logging

import pytest

from tests.people import PASSWORD
from tests.resets import NEW_PASSWORD


async def test_forgetting_answers_a_message_and_no_more(rest):
    answers = [
        await rest.call("POST", "/auth/forgot-password", {"email": email})
        for email in (await rest.people.registered(), "nobody@example.org")
    ]

    assert [answer.status for answer in answers] == [200, 200]
    assert list(answers[0].json) == ["message"]
    assert answers[0].text == answers[1].text
    assert answers[0].headers.keys() == answers[1].headers.keys()


@pytest.mark.requirement(13)
@pytest.mark.parametrize("in_path", [True, False])
async def test_a_link_resets_the_password_by_path_and_by_body(rest, resets, in_path):
    email = await rest.people.registered()
    token = await resets.token(email)
    path = f"/auth/reset-password/{token}" if in_path else "/auth/reset-password"
    body = {"newPassword": NEW_PASSWORD} | ({} if in_path else {"token": token})

    first, second = [await rest.call("POST", path, body) for _ in range(2)]

    assert (first.status, list(first.json)) == (200, ["message", "deviceToken"])
    assert (first.headers["cache-control"], first.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert (second.status, second.reason) == (400, "ONE_TIME_TOKEN_INVALID")
    assert await rest.people.login(email, NEW_PASSWORD)


@pytest.mark.requirement(51)
async def test_whoever_only_looks_at_a_link_does_not_use_it_up(rest, resets, sql):
    email = await rest.people.registered()
    token = await resets.token(email)
    kept = await sql.fetchrow("SELECT one_time_tokens::text FROM one_time_tokens")

    for verb in ("GET", "HEAD", "OPTIONS", "PUT"):
        for path in (f"/auth/reset-password/{token}", f"/auth/reset-password?token={token}"):
            answer = await rest.call(verb, path)
            assert answer.status in {401, 405}, (verb, path)

    assert await sql.fetchrow("SELECT one_time_tokens::text FROM one_time_tokens") == kept
    assert await rest.people.login(email, PASSWORD)


@pytest.mark.requirement(13)
async def test_no_log_has_the_token_or_the_address(rest, resets, caplog):
    email = await rest.people.registered(email="somebody-to-look-for@example.org")
    with caplog.at_level(logging.DEBUG):
        token = await resets.token(email)
        for _ in range(2):
            await rest.call("POST", f"/auth/reset-password/{token}", {"newPassword": NEW_PASSWORD})

    said = "".join(str(vars(record)) for record in caplog.records)
    assert "AuthService/ResetPassword" in said
    for secret in (token, "somebody-to-look-for", NEW_PASSWORD):
        assert secret not in said
