import re
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gatepost.v1.errors_pb2 import ErrorReason
from http_gateway.contract import contract_services
from http_gateway.openapi.comments import Comments

CONTRACT = Path(__file__).parents[2] / "generated" / "gatepost" / "contract.binpb"
COMMENTS = Comments(FileDescriptorSet.FromString(CONTRACT.read_bytes()))
METHODS = [method for service in contract_services() for method in service.methods]
REASONS = [value.name for value in ErrorReason.DESCRIPTOR.values]
SHORT_REASONS = {name.removeprefix("ERROR_REASON_") for name in REASONS}


@pytest.mark.requirement(9)
@pytest.mark.parametrize("name", REASONS)
def test_every_reason_says_when_it_comes_with_an_example(name):
    text = COMMENTS.of(f"{ErrorReason.DESCRIPTOR.full_name}.{name}").text

    assert re.search(r"^Example: \S", text, re.MULTILINE)


@pytest.mark.requirement(9)
@pytest.mark.parametrize("name", [name for name in REASONS if name != "ERROR_REASON_UNSPECIFIED"])
def test_every_reason_names_its_code(name):
    text = COMMENTS.of(f"{ErrorReason.DESCRIPTOR.full_name}.{name}").text

    assert re.search(r"\((INVALID_ARGUMENT|UNAUTHENTICATED|[A-Z]+(_[A-Z]+)*)(;[^)]*)?\)", text)


@pytest.mark.requirement(9)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_every_rpc_lists_its_errors_by_published_names(method):
    listed = COMMENTS.of(method.full_name).text.partition("Errors:")[2]

    assert listed.strip()
    names = re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b|\bTHROTTLED\b", listed)
    assert names or listed.strip() == "none of its own."
    assert set(names) <= SHORT_REASONS


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_the_first_sentence_of_every_rpc_can_be_a_summary(method):
    summary = COMMENTS.of(method.full_name).summary

    assert summary.endswith(".")
    assert len(summary) <= 120


def test_every_message_and_field_has_a_comment():
    kinds = {kind.full_name: kind for m in METHODS for kind in (m.input_type, m.output_type)}
    for kind in kinds.values():
        assert COMMENTS.of(kind.full_name).text, kind.full_name
        for field in kind.fields:
            assert COMMENTS.of(field.full_name).text, field.full_name
