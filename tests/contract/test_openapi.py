import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from tests.contract.doors import DOORS
from tests.rpc.matrix import ADMITTED, SERVICE

GENERATED = Path(__file__).parents[2] / "generated" / "gatepost"
DOCUMENT = json.loads((GENERATED / "openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    (verb.upper(), path): operation for path, verbs in DOCUMENT["paths"].items() for verb, operation in verbs.items()
}


def operation_of(door):
    return OPERATIONS[door.verb, door.path.replace("=**", "")]


def test_the_document_is_valid_openapi():
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)


def test_the_document_is_what_the_contract_gives_byte_by_byte():
    written = subprocess.run(
        [sys.executable, "-m", "http_gateway.openapi", str(GENERATED / "contract.binpb")],
        env={"PYTHONPATH": os.pathsep.join((".", "generated"))},
        cwd=GENERATED.parents[1],
        capture_output=True,
        check=True,
    ).stdout

    assert written == (GENERATED / "openapi.json").read_bytes()
    assert written.endswith(b"}\n")


def test_every_door_is_an_operation_and_every_operation_a_door():
    assert set(OPERATIONS) == {(door.verb, door.path.replace("=**", "")) for door in DOORS}


def test_operation_ids_are_unique():
    ids = [operation["operationId"] for operation in OPERATIONS.values()]

    assert len(ids) == len(set(ids))


@pytest.mark.requirement(3)
@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door.verb} {door.path}")
def test_an_operation_tells_its_guard_and_its_statuses(door):
    operation = operation_of(door)

    expected = [] if door.guard == "PUBLIC" else [f"GUARD_{door.guard}"]
    if SERVICE in ADMITTED[door.rpc] and door.guard in ("ACCESS", "OPERATOR"):
        expected.append("GUARD_SERVICE")
    assert operation["security"] == [{name: []} for name in expected]
    statuses = {int(status) for status in operation["responses"]}
    assert {status for status in statuses if status < 300} == {door.success}
    assert {500, 503, 504} <= statuses
    refusals = {status for status in statuses if 400 <= status < 500}
    assert refusals == {door.refusal} if door.refusal else 400 in refusals
    if door.guard != "PUBLIC":
        assert 401 in refusals


def test_an_empty_server_error_has_no_content():
    responses = OPERATIONS["POST", "/auth/login"]["responses"]

    assert "content" not in responses["500"]
    assert "content" in responses["400"]


def test_what_may_be_tried_again_says_when():
    login = OPERATIONS["POST", "/auth/login"]["responses"]
    assert login["400"]["headers"]["Retry-After"]["schema"]["type"] == "integer"
    assert "headers" not in OPERATIONS["GET", "/auth/{id}"]["responses"]["404"]


def test_every_refusal_names_published_reasons():
    reasons = set(SCHEMAS["ErrorReason"]["enum"])
    for operation in OPERATIONS.values():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                named = response["description"].partition(": ")[2].rstrip(".").split(", ")
                assert named
                assert set(named) <= reasons


def test_flattened_fields_stand_beside_the_others():
    assert {"companyName", "emailVerified", "created_at"} <= SCHEMAS["User"]["properties"].keys()
    assert "profile" not in SCHEMAS["User"]["properties"]
    assert "additionalProperties" in SCHEMAS["Account"]
    assert "extras" not in SCHEMAS["Account"]["properties"]


def test_what_may_be_unset_may_be_null():
    assert SCHEMAS["AdapterUser"]["properties"]["email"]["type"] == ["string", "null"]
    assert SCHEMAS["AdapterUser"]["required"] == ["id", "name", "email", "emailVerified", "image"]
    found = OPERATIONS["GET", "/adapter/{id}"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert {"type": "null"} in found["anyOf"]


@pytest.mark.requirement(11)
def test_rules_of_the_contract_are_rules_of_the_schema():
    fields = SCHEMAS["RegisterRequest"]["properties"]

    assert (
        fields["password"] | {"minLength": 1, "maxLength": 1024, "format": "password", "writeOnly": True}
        == (fields["password"])
    )
    codes = SCHEMAS["ConfirmTotpResponse"]["properties"]["recoveryCodes"]
    assert codes["items"] == {"type": "string", "format": "password"}
    assert (fields["email"]["format"], fields["email"]["maxLength"]) == ("email", 254)
    assert fields["foundedYear"]["minimum"] == 0
    assert SCHEMAS["RegisterRequest"]["required"] == ["name", "email", "password"]


@pytest.mark.requirement(11)
def test_a_strict_route_refuses_other_keys_and_the_adapter_does_not():
    def closed(verb, path):
        schema = OPERATIONS[verb, path]["requestBody"]["content"]["application/json"]["schema"]
        return schema.get("unevaluatedProperties") is False

    assert closed("POST", "/auth/login")
    assert not closed("POST", "/adapter/signup")


def test_a_comment_is_the_summary_and_the_description():
    login = OPERATIONS["POST", "/auth/oAuthlogin"]

    assert login["summary"] == "Signs a user in whom the front end's server has signed in with a provider."
    assert login["description"].startswith("Only a user with a linked account")
    assert "Errors:" not in login["description"]


def test_the_headers_of_an_answer_are_told():
    headers = OPERATIONS["GET", "/forward-auth"]["responses"]["200"]["headers"]

    assert {name: header["schema"] for name, header in headers.items()} == {
        f"x-gatepost-{name}": {"type": "string"}
        for name in ("user-id", "email", "name", "role", "email-verified", "sign-in-id")
    }
