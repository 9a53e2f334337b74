"""Contracts whose files, sent or answered, could not be served."""

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from gatepost.v1.options_pb2 import GUARD_ADAPTER, GUARD_PUBLIC, Raw, Rest, Upload
from http_gateway.contract import read_bindings
from tests.contract.built import a_field, a_rule, a_service, some_options

BYTES = FieldDescriptorProto.TYPE_BYTES
ID, CHUNK = a_field("id"), a_field("chunk", BYTES)
UPLOAD = Rest(upload=Upload(part="file", chunk="chunk"))
RAW = Rest(raw=Raw(content="content", media_type="kind", max_age_seconds=60))
TO_UPLOAD = a_rule("put", "/a/{id}", body="*")
CONTENT, KIND = a_field("content", BYTES), a_field("kind")


def bindings_of(rule, declared, guarded_by=GUARD_PUBLIC, **more):
    options = some_options(guarded_by, rule, rest=declared)
    return read_bindings([a_service({"Do": options}, **{"fields": [ID]} | more)])


def refused(*of, **more):
    """The text that the contract is refused with."""
    with pytest.raises(ValueError, match=r"^built\.Service\.Do: ") as refusal:
        bindings_of(*of, **more)
    return str(refusal.value)


def test_a_file_in_a_stream_of_requests_is_fine():
    [binding] = bindings_of(TO_UPLOAD, UPLOAD, fields=[ID, CHUNK], requests_stream=True)

    assert binding.takes_file


@pytest.mark.parametrize(("declared", "streams"), [(UPLOAD, False), (Rest(), True)])
def test_a_file_and_a_stream_of_requests_belong_together(declared, streams):
    assert "a stream of requests, or an upload" in refused(
        TO_UPLOAD, declared, fields=[ID, CHUNK], requests_stream=streams
    )


@pytest.mark.parametrize(
    "upload",
    [Upload(part="file"), Upload(chunk="chunk"), Upload(part="file", chunk="id"), Upload(part="file", chunk="many")],
    ids=str,
)
def test_a_file_without_a_part_or_a_field_for_it_is_refused(upload):
    fields = [ID, CHUNK, a_field("many", BYTES, repeated=True)]

    assert "names no part" in refused(TO_UPLOAD, Rest(upload=upload), fields=fields, requests_stream=True)


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        (a_rule("put", "/a/{id}"), [ID, CHUNK]),
        (a_rule("put", "/a", body="*"), [ID, CHUNK]),
        (TO_UPLOAD, [ID, CHUNK, a_field("name")]),
    ],
    ids=str,
)
def test_what_comes_with_a_file_comes_in_the_path(rule, fields):
    assert "from its path" in refused(rule, UPLOAD, fields=fields, requests_stream=True)


def test_a_raw_answer_of_bytes_and_their_type_is_fine():
    [binding] = bindings_of(a_rule("get", "/a/{id}"), RAW, answered=[CONTENT, KIND])

    assert binding.answers_raw


@pytest.mark.parametrize("answered", [[CONTENT], [KIND], [a_field("content"), KIND]], ids=str)
def test_a_raw_answer_without_bytes_or_their_type_is_refused(answered):
    assert "to answer, or no string" in refused(a_rule("get", "/a/{id}"), RAW, answered=answered)


@pytest.mark.parametrize(
    "rule", [a_rule("get", "/a/{id}", response_body="kind"), a_rule("post", "/a/{id}", body="*")], ids=str
)
def test_a_raw_answer_is_all_of_a_get(rule):
    assert "answers no JSON" in refused(rule, RAW, answered=[CONTENT, KIND])


def test_what_not_everybody_may_have_nobody_may_keep():
    answered = [CONTENT, KIND]
    kept_by_nobody = Rest(raw=Raw(content="content", media_type="kind"))

    assert "anybody may keep" in refused(a_rule("get", "/a/{id}"), RAW, GUARD_ADAPTER, answered=answered)
    assert bindings_of(a_rule("get", "/a/{id}"), kept_by_nobody, GUARD_ADAPTER, answered=answered)
