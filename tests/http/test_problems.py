import json

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from gatepost.v1.errors_pb2 import ErrorReason
from http_gateway.problems import HTTP_STATUS, OWN_STATUS

# google/rpc/code.proto
MAPPING = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
}
LOGIN = {"email": "ann@example.org", "password": "a long password"}


def refusing(code, text, *details):
    """An answerer that ends every call in this status."""

    async def answer(_request, context):
        status = status_pb2.Status(code=grpc.StatusCode[code].value[0], message=text)
        for detail in details:
            status.details.add().Pack(detail)
        packed = rpc_status.to_status(status)
        context.set_trailing_metadata(packed.trailing_metadata)
        await context.abort(packed.code, packed.details)

    return answer


def an_info(reason="EMAIL_TAKEN", domain="gatepost"):
    return error_details_pb2.ErrorInfo(reason=reason, domain=domain)


@pytest.mark.requirement(10)
def test_every_grpc_code_but_ok_has_the_status_of_code_proto():
    assert {code.name: status for code, status in HTTP_STATUS.items()} == MAPPING
    assert {code.name for code in grpc.StatusCode} == {"OK", *MAPPING}


@pytest.mark.requirement(10)
@pytest.mark.parametrize(("code", "status"), MAPPING.items())
async def test_a_refusal_of_the_server_is_a_problem_with_its_reason(client, script, code, status):
    script.answer = refusing(code, "Another user has this email address.", an_info())

    seen = await client("GET", "/adapter/1", headers={"x-request-id": "r-1"})

    assert (seen.status, seen.headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(seen.text) == {
        "type": "urn:gatepost:error:EMAIL_TAKEN",
        "title": "Email taken",
        "status": status,
        "detail": "Another user has this email address.",
        "instance": "urn:gatepost:request:r-1",
        "reason": "EMAIL_TAKEN",
        "request_id": "r-1",
        "message": "Another user has this email address.",
    }
    assert ("www-authenticate" in seen.headers) == (status == 401)


@pytest.mark.requirement(9, 10)
@pytest.mark.parametrize(("code", "status"), MAPPING.items())
async def test_an_error_that_is_not_the_servers_own_word_tells_nothing(client, script, code, status):
    script.answer = refusing(code, "connect to 10.0.0.7:5432 failed", an_info(domain="elsewhere"))

    seen = await client("GET", "/adapter/1")

    # gRPC itself says RESOURCE_EXHAUSTED of a message or metadata beyond its limits.
    assert seen.status == (413 if code == "RESOURCE_EXHAUSTED" else status)
    assert "10.0.0.7" not in seen.text
    assert f"ERROR_REASON_{json.loads(seen.text)['reason']}" in ErrorReason.keys()  # noqa: SIM118  an enum's wrapper


@pytest.mark.requirement(31)
@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"request_id": "1", "challenge": "c", "else": "e"}, {"metadata": {"challenge": "c", "else": "e"}}),
        ({"request_id": "1", "rule": "common"}, {"rule": "common"}),
        ({"request_id": "1"}, {}),
    ],
)
async def test_what_there_is_to_go_on_with_is_told_as_it_is(client, script, metadata, told):
    info = error_details_pb2.ErrorInfo(reason="SECOND_FACTOR_REQUIRED", domain="gatepost", metadata=metadata)
    script.answer = refusing("PERMISSION_DENIED", "A code is needed.", info)

    seen = json.loads((await client("GET", "/adapter/1")).text)

    assert {name: seen[name] for name in ("metadata", "rule") if name in seen} == told


@pytest.mark.requirement(9)
async def test_details_that_cannot_be_read_tell_nothing(client, script):
    async def answer(_request, context):
        context.set_trailing_metadata([("grpc-status-details-bin", b"\xff\xff")])
        await context.abort(grpc.StatusCode.NOT_FOUND, "secret")

    script.answer = answer

    seen = await client("GET", "/adapter/1")

    assert (seen.status, json.loads(seen.text)["reason"]) == (404, "INTERNAL")
    assert "secret" not in seen.text


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [(Duration(seconds=5), "5"), (Duration(nanos=1), "1"), (Duration(seconds=59, nanos=1), "60"), (Duration(), "0")],
)
async def test_when_to_try_again_is_told_in_whole_seconds(client, script, delay, seconds):
    retry = error_details_pb2.RetryInfo(retry_delay=delay)
    script.answer = refusing("RESOURCE_EXHAUSTED", "Too busy.", an_info("HASHING_BUSY"), retry)

    seen = await client("GET", "/adapter/1")

    assert (seen.status, seen.headers["retry-after"]) == (429, seconds)


async def test_a_route_with_one_refusal_status_tells_when_to_try_again_too(client, script):
    retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=2))
    script.answer = refusing("RESOURCE_EXHAUSTED", "Too busy.", an_info("HASHING_BUSY"), retry)

    seen = await client("POST", "/auth/login", json=LOGIN)

    assert (seen.status, json.loads(seen.text)["reason"]) == (400, "HASHING_BUSY")
    assert seen.headers["retry-after"] == "2"


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    ("verb", "path", "body", "field", "sent"),
    [
        ("POST", "/adapter/signup", {}, "user.email_verified", "emailVerified"),
        ("POST", "/adapter/signup", {}, "user", "user"),
        ("PATCH", "/adapter", {"id": "1"}, "email_verified", "emailVerified"),
        ("POST", "/adapter/link-account", {}, "account.access_token", "access_token"),
        ("POST", "/adapter/create-session", {}, "session_token", "sessionToken"),
        ("POST", "/auth/register", {}, "profile.company_name", "companyName"),
        ("POST", "/auth/register", {}, "profile", "profile"),
        ("GET", "/adapter/get-user-by-account/x/1", None, "provider_account_id", "providerAccountId"),
        ("GET", "/adapter/1", None, "not.known[0]", "not.known[0]"),
        ("GET", "/adapter/1", None, "", ""),
    ],
)
async def test_a_field_is_named_as_the_client_sent_it(client, script, verb, path, body, field, sent):
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field=field, description="is too long")
    script.answer = refusing("INVALID_ARGUMENT", "The request is not valid.", an_info("REQUEST_INVALID"), bad)

    seen = await client(verb, path, json=body)

    assert json.loads(seen.text)["errors"] == [{"field": sent, "detail": "is too long"}]


@pytest.mark.parametrize("code", [code for code, status in MAPPING.items() if status < 500])
async def test_a_route_with_one_refusal_status_refuses_with_it_alone(client, script, code):
    script.answer = refusing(code, "No.", an_info())

    login = await client("POST", "/auth/login", json=LOGIN)
    oauth_login = await client("POST", "/auth/oAuthlogin", json={"email": "ann@example.org"})

    assert (login.status, json.loads(login.text)["status"]) == (400, 400)
    assert "www-authenticate" not in login.headers
    assert (oauth_login.status, json.loads(oauth_login.text)["status"]) == (401, 401)
    assert oauth_login.headers["www-authenticate"]


@pytest.mark.parametrize("code", [code for code, status in MAPPING.items() if status >= 500])
async def test_a_route_with_an_empty_server_error_has_no_body_on_5xx(client, script, code):
    script.answer = refusing(code, "No.", an_info())

    seen = await client("POST", "/auth/login", json=LOGIN)

    assert (seen.status, seen.text) == (MAPPING[code], "")
    assert "content-type" not in seen.headers
    assert seen.headers["x-request-id"]


@pytest.mark.requirement(9)
def test_every_reason_of_the_gateways_own_is_published():
    assert {f"ERROR_REASON_{reason}" for reason in OWN_STATUS} <= set(ErrorReason.keys())
