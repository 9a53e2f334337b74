import pytest


@pytest.mark.requirement(20)
async def test_a_refused_password_is_a_problem_that_names_the_rule(rest):
    person = {"name": "Ann", "email": "ann@example.org", "password": "gatepost2026"}

    answer = await rest.call("POST", "/auth/register", person)

    assert (answer.status, answer.reason, answer.json["rule"]) == (400, "PASSWORD_REFUSED", "product")
    assert [error["field"] for error in answer.json["errors"]] == ["password"]
