import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from gatepost.v1 import adapter_service_pb2, users_service_pb2
from http_gateway.query import QueryReader
from tests.contract.built import a_field, a_message

KIND = a_message(
    [
        a_field("text"),
        a_field("flag", Field.TYPE_BOOL),
        a_field("page_size", Field.TYPE_INT32),
        a_field("many", repeated=True),
        a_field("since", of="google.protobuf.Timestamp"),
    ]
)
BY_EMAIL = adapter_service_pb2.GetUserByEmailRequest.DESCRIPTOR


def read(query, kind=KIND, *, ignores_unknown=False):
    message, faults = GetMessageClass(kind)(), []
    QueryReader(kind.fields, ignores_unknown=ignores_unknown).read(query, message, faults)
    return message, [fault.field for fault in faults]


@pytest.mark.parametrize(
    ("query", "email"),
    [
        ("email=a+b@x.org", "a+b@x.org"),
        ("email=a%2Bb%40x.org", "a+b@x.org"),
        ("email=a%20b", "a b"),
        ("email=a=b", "a=b"),
        ("email=caf%C3%A9", "café"),
        ("email=%ff", "\ufffd"),
        ("email=%zz", "%zz"),
        ("email=", ""),
        ("email", ""),
        ("", ""),
        ("&&email=x&", "x"),
        ("%65mail=x", "x"),
    ],
)
def test_a_value_is_what_was_sent(query, email):
    message, faults = read(query, BY_EMAIL)

    assert (message.email, faults) == (email, [])


def test_every_kind_of_field_is_read():
    message, faults = read("flag=true&pageSize=5&many=a&many=b&since=2026-01-02T03:04:05Z")

    assert faults == []
    assert (message.flag, message.page_size, list(message.many)) == (True, 5, ["a", "b"])
    assert message.since.seconds == 1767323045


@pytest.mark.parametrize("name", ["pageSize", "page_size"])
def test_a_parameter_has_either_name_of_its_field(name):
    assert read(f"{name}=7")[0].page_size == 7


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("text=a&text=b", "text"),
        ("pageSize=1&page_size=2", "page_size"),
        ("pageSize=x", "pageSize"),
        ("pageSize=", "pageSize"),
        ("pageSize=1.5", "pageSize"),
        ("pageSize=99999999999", "pageSize"),
        ("flag=1", "flag"),
        ("flag=TRUE", "flag"),
        ("since=yesterday", "since"),
        ("other=1", "other"),
        ("many.x=1", "many.x"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(query, field):
    assert read(query)[1] == [field]


@pytest.mark.requirement(11)
def test_unknown_parameters_are_dropped_where_the_service_ignores_them():
    assert read("other=1&text=a", ignores_unknown=True) == (GetMessageClass(KIND)(text="a"), [])


@pytest.mark.parametrize("of", ["google.protobuf.Struct", "built.Inner"])
def test_a_field_that_no_query_can_hold_is_refused_at_start(of):
    kind = a_message([a_field("inner", of=of)], Inner=[a_field("word")])

    with pytest.raises(ValueError, match="query string"):
        QueryReader(kind.fields, ignores_unknown=False)


@pytest.mark.requirement(11)
@given(st.text())
def test_any_query_is_read_or_refused(query):
    read(query, users_service_pb2.ListUsersRequest.DESCRIPTOR)
