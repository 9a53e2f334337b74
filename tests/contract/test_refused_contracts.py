import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from gatepost.v1.options_pb2 import (
    GUARD_ACCESS,
    GUARD_ADAPTER,
    GUARD_OPERATOR,
    GUARD_PUBLIC,
    GUARD_REFRESH,
    GUARD_SERVICE,
    GUARD_UNSPECIFIED,
    Owner,
    Rest,
)
from http_gateway.contract import read_bindings
from tests.contract.built import a_field, a_rule, a_service, some_options

ID = a_field("id")
TOKEN = a_field("token", sensitive=True)
INNER = a_field("inner", of="built.Inner")


def refused(methods, fields=(ID,), **more):
    """The text that the contract is refused with."""
    with pytest.raises(ValueError, match=r"^built\.Service\.Do: ") as refusal:
        read_bindings([a_service(methods, fields, **more)])
    return str(refusal.value)


@pytest.mark.requirement(3)
def test_a_method_without_a_guard_is_refused():
    assert "no guard" in refused({"Do": some_options(GUARD_UNSPECIFIED)})


@pytest.mark.requirement(3)
def test_a_method_for_services_may_have_a_route_or_none():
    methods = {"Do": some_options(GUARD_SERVICE, a_rule("get", "/a")), "Other": some_options(GUARD_SERVICE)}

    assert [binding.method.name for binding in read_bindings([a_service(methods)])] == ["Do"]


@pytest.mark.requirement(3, 59)
@pytest.mark.parametrize("owner_field", ["", "missing", "count", "many"])
def test_an_access_guard_without_an_owner_is_refused(owner_field):
    fields = [ID, a_field("count", FieldDescriptorProto.TYPE_INT32), a_field("many", repeated=True)]
    options = some_options(GUARD_ACCESS, a_rule("post", "/a", body="*"), owner_field=owner_field)

    assert "owner.field" in refused({"Do": options}, fields)


@pytest.mark.requirement(3, 59)
def test_an_access_guard_with_an_owner_is_fine():
    options = some_options(GUARD_ACCESS, a_rule("post", "/a", body="*"), owner_field="id")

    assert len(read_bindings([a_service({"Do": options}, [ID])])) == 1


@pytest.mark.requirement(3, 59)
def test_an_access_guard_of_the_callers_own_things_names_nobody():
    options = some_options(GUARD_ACCESS, a_rule("post", "/a", body="*"), owner=Owner(caller=True))

    assert len(read_bindings([a_service({"Do": options}, [ID])])) == 1


@pytest.mark.requirement(3, 59)
@pytest.mark.parametrize("other", [Owner(caller=True, field="id"), Owner(caller=True, or_operator=True)], ids=str)
def test_the_callers_own_things_are_nobody_elses(other):
    options = some_options(GUARD_ACCESS, a_rule("post", "/a", body="*"), owner=other)

    assert "stands alone" in refused({"Do": options})


@pytest.mark.requirement(3, 59)
@pytest.mark.parametrize("guarded_by", [GUARD_PUBLIC, GUARD_ADAPTER, GUARD_REFRESH, GUARD_SERVICE, GUARD_OPERATOR])
@pytest.mark.parametrize("owner_field", ["id", ""])
def test_an_owner_that_no_guard_would_look_at_is_refused(guarded_by, owner_field):
    assert "an owner" in refused({"Do": some_options(guarded_by, owner_field=owner_field)})


@pytest.mark.parametrize("field", ["nobody", "inner", "many"])
def test_a_path_field_that_is_no_scalar_of_the_request_is_refused(field):
    options = some_options(rule=a_rule("get", f"/a/{{{field}}}"))

    assert f"no scalar field {field}" in refused({"Do": options}, [INNER, a_field("many", repeated=True)])


@pytest.mark.requirement(13)
def test_a_secret_in_the_query_string_is_refused():
    assert "query string" in refused({"Do": some_options(rule=a_rule("get", "/a"))}, [TOKEN])


@pytest.mark.requirement(13)
def test_a_secret_below_a_query_parameter_is_refused():
    assert "query string" in refused({"Do": some_options(rule=a_rule("get", "/a"))}, [INNER])


@pytest.mark.requirement(13)
@pytest.mark.parametrize(
    "twins", [(), (a_rule("get", "/b/{token}"),), (a_rule("post", "/b/{token}", body="*"),)], ids=str
)
def test_a_secret_in_a_path_without_a_twin_is_refused(twins):
    options = some_options(rule=a_rule("get", "/a/{token}", *twins))

    assert "no twin" in refused({"Do": options}, [TOKEN])


@pytest.mark.requirement(13)
def test_a_secret_in_a_path_with_a_twin_is_fine():
    options = some_options(rule=a_rule("get", "/a/{token}", a_rule("post", "/a", body="*")))

    assert len(read_bindings([a_service({"Do": options}, [TOKEN])])) == 2


def test_two_bindings_with_one_verb_and_pattern_are_refused():
    methods = {
        "First": some_options(rule=a_rule("get", "/a/{id}")),
        "Do": some_options(rule=a_rule("get", "/a/{other}")),
    }

    assert "also a route of built.Service.First" in refused(methods, [ID, a_field("other")])


@pytest.mark.parametrize(
    "path",
    ["a", "", "/a/{id}/{id}", "/a/{id=**}/b", "/a/{id=*}", "/a/{id=b/*}", "/a/*", "/a:verb", "/a/x{id}", "/a//b"],
)
def test_a_path_template_of_another_form_is_refused(path):
    assert "path template" in refused({"Do": some_options(rule=a_rule("get", path))})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (a_rule("post", "/a", body="missing"), "for its body"),
        (a_rule("post", "/a", body="id"), "for its body"),
        (a_rule("post", "/a", body="*", response_body="missing"), "to answer"),
        (a_rule("get", "/a", body="*"), "takes a body"),
        (a_rule("delete", "/a", body="*"), "takes a body"),
    ],
    ids=str,
)
def test_a_binding_that_does_not_fit_its_messages_is_refused(rule, words):
    assert words in refused({"Do": some_options(rule=rule)})


def test_a_verb_of_ones_own_is_refused():
    rule = a_rule("get", "/a")
    rule.custom.kind, rule.custom.path = "PURGE", "/a"

    assert "one of get, put" in refused({"Do": some_options(rule=rule)})


def test_a_route_that_answers_a_stream_answers_its_messages_whole():
    fine, part = a_rule("get", "/a/{id}"), a_rule("get", "/a/{id}", response_body="text")

    assert len(read_bindings([a_service({"Do": some_options(rule=fine)}, [ID], streams=True)])) == 1
    assert "answers a stream" in refused({"Do": some_options(rule=part)}, streams=True)
    assert "answers a stream" in refused(
        {"Do": some_options(rule=fine)}, answered=[a_field("text", header="x-text")], streams=True
    )


def test_a_form_of_strings_is_fine():
    options = some_options(GUARD_PUBLIC, a_rule("post", "/a", body="*"), rest=Rest(form=True))

    assert read_bindings([a_service({"Do": options}, [ID])])[0].ignores_unknown_keys


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        (a_rule("post", "/a", body="*"), [ID, a_field("count", FieldDescriptorProto.TYPE_INT32)]),
        (a_rule("post", "/a", body="*"), [ID, a_field("many", repeated=True)]),
        (a_rule("post", "/a", body="inner"), [INNER]),
        (a_rule("get", "/a"), [ID]),
    ],
    ids=str,
)
def test_a_form_that_cannot_hold_its_request_is_refused(rule, fields):
    assert "takes a form" in refused({"Do": some_options(GUARD_PUBLIC, rule, rest=Rest(form=True))}, fields)


@pytest.mark.parametrize("declared", [Rest(success_status=400), Rest(refusal_status=200), Rest(refusal_status=500)])
def test_a_status_of_another_kind_is_refused(declared):
    options = some_options(GUARD_PUBLIC, a_rule("get", "/a"), rest=declared)

    assert "_status that is no" in refused({"Do": options})


@pytest.mark.parametrize(
    "answered",
    [
        [a_field("a", header="authorization")],
        [a_field("a", header="X-Name")],
        [a_field("a", header="x-name ")],
        [a_field("a", header="x-a"), a_field("b", header="x-a")],
        [a_field("a", header="x-a", repeated=True)],
        [a_field("a", FieldDescriptorProto.TYPE_INT64, header="x-a")],
        [a_field("a", of="built.Inner", header="x-a")],
    ],
    ids=str,
)
def test_a_header_that_cannot_be_written_is_refused(answered):
    service = a_service({"Do": some_options(rule=a_rule("get", "/a"))}, answered=answered)

    with pytest.raises(ValueError, match="has a header that is no x- header"):
        read_bindings([service])


def test_a_header_of_text_or_of_a_bool_is_fine():
    answered = [a_field("a", header="x-a"), a_field("b", FieldDescriptorProto.TYPE_BOOL, header="x-b")]

    assert len(read_bindings([a_service({"Do": some_options(rule=a_rule("get", "/a"))}, answered=answered)])) == 1
