import json

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gatepost.v1.options_pb2 import GUARD_SERVICE
from http_gateway.contract import read_bindings
from http_gateway.credentials import credential_form_of
from http_gateway.problems import RefusedError
from tests.contract.built import a_rule, a_service, some_options

FORMS = [
    ("GET", "/adapter/1", None, "x-auth-secret", "secret-1", 'X-Auth-Secret realm="gatepost"'),
    ("GET", "/auth/1", None, "authorization", "Bearer a.b-c_d~e+f/g==", 'Bearer realm="gatepost"'),
    ("GET", "/auth", None, "authorization", "Bearer abc", 'Bearer realm="gatepost"'),
    ("GET", "/auth", None, "authorization", "Basic bmFtZTpzZWNyZXQ=", 'Bearer realm="gatepost"'),
    ("GET", "/auth/1", None, "authorization", "Basic bmFtZTpzZWNyZXQ=", 'Bearer realm="gatepost"'),
    ("POST", "/auth/refresh", {}, "authorization", "Refresh abc", 'Refresh realm="gatepost"'),
]
OTHERS = {"cookie": "a=b", "proxy-authorization": "Basic x", "x-api-key": "k"}


async def ask(client, verb, path, body, headers):
    """The answer to a request that has these headers alone."""
    url = client.url + path
    async with client.session.request(verb, url, json=body, headers=headers) as answer:
        return answer.status, answer.headers, json.loads(await answer.text())


@pytest.mark.requirement(3)
@pytest.mark.parametrize(("verb", "path", "body", "header", "value", "challenge"), FORMS)
async def test_a_credential_of_the_right_form_is_passed_on_and_no_other(
    client, script, verb, path, body, header, value, challenge
):
    await ask(client, verb, path, body, {**OTHERS, "x-auth-secret": "not for this", header: value})

    [(_, _, metadata)] = script.requests
    assert metadata[header] == value
    credentials = {"authorization", "x-auth-secret", *OTHERS} & metadata.keys()
    assert credentials == {header}


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
async def test_the_word_before_a_token_is_of_any_case(client, script, scheme):
    await ask(client, "GET", "/auth/1", None, {"authorization": f"{scheme} abc"})

    assert script.requests[0][2]["authorization"] == "Bearer abc"


async def test_a_public_route_passes_no_credential_on(client, script):
    await ask(client, "GET", "/.well-known/jwks.json", None, {"authorization": "Bearer abc", "x-auth-secret": "s"})

    assert {"authorization", "x-auth-secret"} & script.requests[0][2].keys() == set()


@pytest.mark.requirement(3)
@pytest.mark.parametrize(("verb", "path", "body", "header", "value", "challenge"), FORMS)
async def test_a_missing_credential_is_401_with_a_challenge(client, script, verb, path, body, header, value, challenge):
    status, headers, problem = await ask(client, verb, path, body, {})

    assert (status, problem["reason"]) == (401, "CREDENTIAL_MISSING")
    assert headers["www-authenticate"] == challenge
    assert script.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "abc")],
        [("authorization", "Refresh abc")],
        [("authorization", "Bearer a b")],
        [("authorization", "Bearer a,b")],
        [("authorization", "Bearer caf\xe9")],
        [("authorization", "Bearer abc"), ("authorization", "Bearer abc")],
        [("x-auth-secret", "abc")],
    ],
    ids=lambda headers: str(headers)[:50],
)
async def test_a_credential_of_another_form_is_as_good_as_none(client, script, headers):
    status, _, problem = await ask(client, "GET", "/auth/1", None, CIMultiDict(headers))

    assert status in (400, 401)
    assert problem["reason"] in ("CREDENTIAL_MISSING", "HTTP_INVALID")
    assert script.requests == []


@pytest.mark.parametrize("secret", ["caf\xe9", "a" * 9000], ids=ascii)
async def test_a_secret_that_grpc_cannot_carry_is_refused(client, script, secret):
    status, _, _ = await ask(client, "GET", "/adapter/1", None, {"x-auth-secret": secret})

    assert status in (400, 401)
    assert script.requests == []


async def test_a_secret_of_words_is_passed_on_whole(client, script):
    await ask(client, "GET", "/adapter/1", None, {"x-auth-secret": "correct horse: battery, staple"})

    assert script.requests[0][2]["x-auth-secret"] == "correct horse: battery, staple"


@pytest.mark.parametrize(("verb", "path"), [("PUT", "/auth/1"), ("POST", "/auth/refresh")])
async def test_a_service_credential_is_none_where_no_service_is_admitted(client, script, verb, path):
    status, _, problem = await ask(client, verb, path, {}, {"authorization": "Basic bmFtZTpzZWNyZXQ="})

    assert (status, problem["reason"]) == (401, "CREDENTIAL_MISSING")
    assert script.requests == []


FOR_SERVICES = credential_form_of(
    read_bindings([a_service({"Do": some_options(GUARD_SERVICE, a_rule("post", "/a", body="*"))})])[0]
)


@pytest.mark.requirement(4)
def test_a_route_for_services_takes_http_basic_and_asks_for_it():
    headers = CIMultiDictProxy(CIMultiDict(authorization="basic bmFtZTpzZWNyZXQ="))

    assert FOR_SERVICES.metadata_of(headers) == ("authorization", "Basic bmFtZTpzZWNyZXQ=")
    assert FOR_SERVICES.challenge == 'Basic realm="gatepost"'


@pytest.mark.requirement(4)
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Bearer abc", "CREDENTIAL_MISSING"),
        ("Basic", "CREDENTIAL_MISSING"),
        ("Basic name:secret", "CREDENTIAL_MISSING"),
        ("Basic " + "a" * 4097, "SERVICE_CREDENTIAL_INVALID"),
    ],
    ids=lambda text: text[:20],
)
def test_a_route_for_services_takes_nothing_else(value, reason):
    with pytest.raises(RefusedError) as refusal:
        FOR_SERVICES.metadata_of(CIMultiDictProxy(CIMultiDict(authorization=value)))

    assert (refusal.value.status, refusal.value.reason) == (401, reason)
