"""Bodies of application/x-www-form-urlencoded, on the routes of OAuth alone."""

import json

import pytest

from http_gateway.forms import form_of
from http_gateway.problems import RefusedError
from tests.services import a_service

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def ask(rest, db):
    """Posts a body as a service that may ask about tokens."""
    service = await a_service(db, "gatepost.v1.TokenService/*")

    async def post(path, raw, kind=FORM):
        headers = {"authorization": service.credential, "content-type": kind}
        return await rest.call("POST", path, raw=raw.encode(), headers=headers)

    return post


@pytest.mark.requirement(42)
async def test_introspection_takes_the_form_of_its_rfc(rest, ask):
    ann = await rest.people.signed_in()

    answer = await ask("/oauth/introspect", f"token={ann.access_token}&token_type_hint=access_token&more=unknown")

    assert (answer.status, answer.json["active"], answer.json["sub"]) == (200, True, ann.id)
    assert isinstance(answer.json["exp"], int)
    assert isinstance(answer.json["iat"], int)
    assert None not in answer.json.values()


@pytest.mark.requirement(42)
@pytest.mark.parametrize(("kind", "body"), [(FORM, "token=bad"), ("application/json", '{"token": "bad", "more": 1}')])
async def test_a_bad_token_is_inactive_and_nothing_else(ask, kind, body):
    answer = await ask("/oauth/introspect", body, kind)

    assert (answer.status, answer.text) == (200, '{"active":false}')


@pytest.mark.requirement(43)
async def test_revocation_takes_the_form_of_its_rfc(rest, ask):
    ann = await rest.people.signed_in()

    answers = [await ask("/oauth/revoke", f"token={token}") for token in (ann.refresh_token, "unknown")]

    assert [(answer.status, answer.json) for answer in answers] == [(200, {}), (200, {})]
    assert (await ask("/oauth/introspect", f"token={ann.access_token}")).text == '{"active":false}'


async def test_introspection_without_a_credential_asks_for_one(rest):
    answer = await rest.call("POST", "/oauth/introspect", raw=b"token=x", headers={"content-type": FORM})

    assert (answer.status, answer.reason) == (401, "CREDENTIAL_MISSING")
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.requirement(11)
@pytest.mark.parametrize("body", ["", "token=", "token", "&", "tok%65n=", "other=1"])
async def test_a_form_without_a_token_is_refused(ask, body):
    answer = await ask("/oauth/introspect", body)

    assert (answer.status, answer.reason) == (400, "REQUEST_INVALID")
    assert [error["field"] for error in answer.json["errors"]] == ["token"]


@pytest.mark.requirement(11)
@pytest.mark.parametrize("body", ["token=a&token=b", "token=&tok%65n=b", "token=a&x=1&x=1"])
async def test_a_field_that_comes_twice_is_refused(ask, body):
    answer = await ask("/oauth/introspect", body)

    assert (answer.status, answer.reason) == (400, "REQUEST_INVALID")
    assert answer.json["errors"][0]["detail"] == "is given twice"


@pytest.mark.requirement(5)
async def test_a_form_beyond_the_limit_is_refused(ask):
    answer = await ask("/oauth/introspect", "token=" + "x" * 65536)

    assert (answer.status, answer.reason) == (413, "REQUEST_TOO_LARGE")


async def test_other_routes_take_no_form(rest):
    answer = await rest.call("POST", "/auth/register", raw=b"name=a", headers={"content-type": FORM})

    assert (answer.status, answer.reason) == (415, "MEDIA_TYPE_UNSUPPORTED")
    assert FORM not in answer.json["detail"]


async def test_a_route_of_forms_takes_no_third_kind(ask):
    answer = await ask("/oauth/introspect", "token=a", "text/xml")

    assert (answer.status, answer.reason) == (415, "MEDIA_TYPE_UNSUPPORTED")
    assert FORM in answer.json["detail"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=x+y%2Bz", {"a": "x y+z"}),
        (b"a+b=1", {"a b": "1"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=%C3%A9&b=%ff", {"a": "é", "b": "�"}),
        (b"a=&b", {}),
        (b"a=1&", {"a": "1"}),
        ("a=é".encode(), {"a": "é"}),
        (b"a=\xff", {"a": "�"}),
    ],
)
def test_a_form_is_read_as_browsers_write_it(body, fields):
    assert form_of(body) == fields


def test_what_is_given_twice_is_shown_in_part_alone():
    name = "n" * 100

    with pytest.raises(RefusedError) as refusal:
        form_of(f"{name}=1&{name}=2".encode())

    assert json.dumps(refusal.value.violations[0].field) == json.dumps("n" * 64)
