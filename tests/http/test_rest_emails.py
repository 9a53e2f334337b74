import pytest

from auth_server.domain.mails import MailKind
from tests.people import PASSWORD


def bearer(signed_in):
    return {"authorization": f"Bearer {signed_in['backendTokens']['accessToken']}"}


async def email_of(rest, ann):
    return (await rest.call("GET", f"/auth/{ann['user']['id']}", headers=bearer(ann))).json["email"]


@pytest.fixture
async def ann(rest, mailbox):
    """The answer to the login of a person whose mails were read."""
    signed_in = await rest.logged_in("ann@example.org")
    await mailbox.take()
    return signed_in


@pytest.mark.requirement(13, 51)
async def test_a_mailed_token_is_taken_in_the_path_and_in_the_body_and_by_post_alone(rest, ann, mailbox):
    asked = {"userId": ann["user"]["id"], "email": "ann@example.org"}

    for in_path in (True, False):
        answer = await rest.call("POST", "/auth/request-email-verification", asked, headers=bearer(ann))
        assert (answer.status, list(answer.json)) == (200, ["message"])
        token = await mailbox.token(MailKind.VERIFY_EMAIL)
        path, body = (f"/auth/verify-email/{token}", None) if in_path else ("/auth/verify-email", {"token": token})
        for verb in ("GET", "HEAD", "PUT"):
            assert (await rest.call(verb, path, headers={"content-length": "0"})).status in (404, 405)

        verified = await rest.call("POST", path, body)
        again = await rest.call("POST", path, body)

        assert (verified.status, verified.json) == (200, {"message": "The address is verified."})
        assert (again.status, again.reason) == (400, "ONE_TIME_TOKEN_INVALID")
        assert verified.headers["referrer-policy"] == "no-referrer"
        assert verified.headers["cache-control"] == "no-store"
        cleared = {"id": ann["user"]["id"], "emailVerified": None}
        assert (await rest.adapter("PATCH", "", cleared)).status == 200


@pytest.mark.requirement(50)
async def test_an_address_is_changed_over_rest(rest, ann, mailbox):
    asked = {"newEmail": "new@example.org", "currentPassword": PASSWORD}

    answer = await rest.call("POST", "/auth/change-email", asked, headers=bearer(ann))
    token = await mailbox.token(MailKind.CONFIRM_NEW_EMAIL)
    confirmed = await rest.call("POST", f"/auth/confirm-email-change/{token}", {})
    again = await rest.call("POST", "/auth/confirm-email-change", {"token": token})

    assert (answer.status, list(answer.json)) == (200, ["message"])
    assert (confirmed.status, confirmed.json) == (200, {"message": "The address is changed."})
    assert (again.status, again.reason) == (400, "ONE_TIME_TOKEN_INVALID")
    assert await email_of(rest, ann) == "new@example.org"


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/auth/change-email", {"newEmail": "new@example.org"}, "CURRENT_PASSWORD_INVALID"),
        ("/auth/change-email", {"newEmail": "new"}, "REQUEST_INVALID"),
        ("/auth/request-email-verification", {"userId": None, "email": "bob@example.org"}, "EMAIL_NOT_OWN"),
        ("/auth/verify-email", {}, "REQUEST_INVALID"),
        ("/auth/confirm-email-change/x", None, "ONE_TIME_TOKEN_INVALID"),
    ],
    ids=str,
)
async def test_every_refusal_is_400(rest, ann, path, body, reason):
    if body and "userId" in body:
        body = body | {"userId": ann["user"]["id"]}

    answer = await rest.call("POST", path, body, headers=bearer(ann))

    assert (answer.status, answer.reason) == (400, reason)
