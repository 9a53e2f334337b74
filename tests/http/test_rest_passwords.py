import pytest

from tests.people import PASSWORD


@pytest.mark.requirement(20)
async def test_a_refused_password_is_a_problem_that_names_the_rule(rest):
    person = {"name": "Ann", "email": "ann@example.org", "password": "gatepost2026"}

    answer = await rest.call("POST", "/auth/register", person)

    assert (answer.status, answer.reason, answer.json["rule"]) == (400, "PASSWORD_REFUSED", "product")
    assert [error["field"] for error in answer.json["errors"]] == ["password"]


@pytest.mark.requirement(23)
async def test_a_password_is_changed_by_who_is_signed_in(rest):
    ann = await rest.logged_in("ann@example.org")
    bearer = {"authorization": f"Bearer {ann['backendTokens']['accessToken']}"}
    body = {"currentPassword": PASSWORD, "newPassword": "another horse, another battery"}

    stranger = await rest.call("POST", "/auth/change-password", body)
    changed = await rest.call("POST", "/auth/change-password", body, headers=bearer)
    again = await rest.call("POST", "/auth/change-password", body, headers=bearer)

    assert (stranger.status, stranger.reason) == (401, "CREDENTIAL_MISSING")
    assert (changed.status, list(changed.json)) == (200, ["message", "deviceToken"])
    assert (again.status, again.reason) == (400, "CURRENT_PASSWORD_INVALID")


@pytest.mark.requirement(20)
async def test_a_refused_new_password_is_named_as_it_was_sent(rest):
    ann = await rest.logged_in()
    bearer = {"authorization": f"Bearer {ann['backendTokens']['accessToken']}"}
    body = {"currentPassword": PASSWORD, "newPassword": "password123"}

    answer = await rest.call("POST", "/auth/change-password", body, headers=bearer)

    assert (answer.status, answer.reason, answer.json["rule"]) == (400, "PASSWORD_REFUSED", "common")
    assert [error["field"] for error in answer.json["errors"]] == ["newPassword"]
