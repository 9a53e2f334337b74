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


def text_of(reason):
    return COMMENTS.of(f"{ErrorReason.DESCRIPTOR.full_name}.{reason}").text


@pytest.mark.requirement(9)
def test_every_reason_says_when_it_comes_with_an_example():
    assert [name for name in REASONS if not re.search(r"^Example: \S", text_of(name), re.MULTILINE)] == []


@pytest.mark.requirement(9)
def test_every_reason_names_its_code():
    code = re.compile(r"\((INVALID_ARGUMENT|UNAUTHENTICATED|[A-Z]+(_[A-Z]+)*)(;[^)]*)?\)")

    assert [name for name in REASONS if not code.search(text_of(name))] == ["ERROR_REASON_UNSPECIFIED"]


@pytest.mark.requirement(9)
def test_every_rpc_lists_its_errors_by_published_names():
    for method in METHODS:
        listed = COMMENTS.of(method.full_name).text.partition("Errors:")[2].strip()
        names = set(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b|\bTHROTTLED\b", listed))

        assert names or listed == "none of its own.", method.full_name
        assert names <= SHORT_REASONS, method.full_name


def test_the_first_sentence_of_every_rpc_can_be_a_summary():
    for method in METHODS:
        summary = COMMENTS.of(method.full_name).summary

        assert summary.endswith("."), method.full_name
        assert len(summary) <= 120, method.full_name


def test_every_message_and_field_has_a_comment():
    kinds = {kind.full_name: kind for m in METHODS for kind in (m.input_type, m.output_type)}
    for kind in kinds.values():
        assert COMMENTS.of(kind.full_name).text, kind.full_name
        for field in kind.fields:
            assert COMMENTS.of(field.full_name).text, field.full_name
