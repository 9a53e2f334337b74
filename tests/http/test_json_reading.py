import math

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from gatepost.v1 import adapter_pb2, adapter_service_pb2, auth_service_pb2, user_pb2
from http_gateway.json.reading import MessageReader, object_of
from http_gateway.json.structs import DEPTH_LIMIT
from http_gateway.problems import RefusedError
from tests.contract.built import a_field, a_message

SCALARS = [
    a_field("text"),
    a_field("flag", Field.TYPE_BOOL),
    a_field("small", Field.TYPE_INT32),
    a_field("natural", Field.TYPE_UINT32),
    a_field("big_number", Field.TYPE_INT64),
    a_field("huge", Field.TYPE_UINT64),
    a_field("real", Field.TYPE_DOUBLE),
    a_field("single", Field.TYPE_FLOAT),
    a_field("raw", Field.TYPE_BYTES),
    a_field("many", repeated=True),
    a_field("time", of="google.protobuf.Timestamp"),
    a_field("others", of="google.protobuf.Struct"),
    a_field("anything", of="google.protobuf.Value"),
    a_field("list", of="google.protobuf.ListValue"),
    a_field("inner", of="built.Inner"),
    a_field("inners", of="built.Inner", repeated=True),
]
KIND = a_message(SCALARS, Inner=[a_field("word"), a_field("small", Field.TYPE_INT32)])


def read(fields, kind=KIND, *, ignores_unknown=False, overruled=()):
    """The message that the fields make, the mask paths, and the faults as pairs."""
    message, faults = GetMessageClass(kind)(), []
    paths = MessageReader(kind, ignores_unknown=ignores_unknown, overruled=overruled).read(fields, message, "", faults)
    return message, paths, [(fault.field, fault.detail) for fault in faults]


def faults_of(fields, kind=KIND, **more):
    return [field for field, _ in read(fields, kind, **more)[2]]


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"text": "a\0é"}, "text", "a\0é"),
        ({"flag": True}, "flag", True),
        ({"small": -5}, "small", -5),
        ({"small": "-5"}, "small", -5),
        ({"small": 1e3}, "small", 1000),
        ({"small": -(2**31)}, "small", -(2**31)),
        ({"natural": 2**32 - 1}, "natural", 2**32 - 1),
        ({"bigNumber": 2**63 - 1}, "big_number", 2**63 - 1),
        ({"big_number": str(-(2**63))}, "big_number", -(2**63)),
        ({"huge": 2**64 - 1}, "huge", 2**64 - 1),
        ({"real": 1}, "real", 1.0),
        ({"real": "-1.5e-3"}, "real", -0.0015),
        ({"single": 0.5}, "single", 0.5),
        ({"raw": "+/8="}, "raw", b"\xfb\xff"),
        ({"raw": "-_8"}, "raw", b"\xfb\xff"),
        ({"raw": ""}, "raw", b""),
        ({"many": ["a", "b"]}, "many", ["a", "b"]),
    ],
)
def test_a_value_of_proto3_json_is_read(fields, name, value):
    message, _, faults = read(fields)

    assert faults == []
    assert getattr(message, name) == value


@pytest.mark.requirement(11)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 5),
        ("text", ["a"]),
        ("flag", 1),
        ("flag", "true"),
        ("small", 2**31),
        ("small", 1.5),
        ("small", True),
        ("small", ""),
        ("small", " 5"),
        ("small", "\N{FULLWIDTH DIGIT FIVE}"),
        ("small", "0x10"),
        ("small", "1" * 5000),
        ("small", 1e300),
        ("natural", -1),
        ("bigNumber", 2**63),
        ("bigNumber", float(2**63)),
        ("huge", 1.8446744073709552e19),
        ("real", "NaN"),
        ("real", "Infinity"),
        ("real", "1e400"),
        ("real", True),
        ("real", {}),
        ("single", 1e300),
        ("raw", "a"),
        ("raw", "????"),
        ("raw", "é"),
        ("many", "a"),
        ("many", {"0": "a"}),
        ("time", "soon"),
        ("others", []),
        ("list", {}),
        ("inner", "a"),
        ("inners", {}),
    ],
)
def test_a_value_of_another_kind_is_refused_by_its_key(field, value):
    assert faults_of({field: value}) == [field]


@pytest.mark.requirement(11, 61)
def test_no_fault_repeats_the_value():
    secret = "hunter2-hunter2"

    _, _, faults = read({"small": secret, "flag": secret, "time": secret, "raw": secret + "!", "inner": secret})

    assert len(faults) == 5
    assert secret not in str(faults)


def test_faults_within_are_named_by_the_path_of_keys():
    fields = {"inner": {"small": "x", "other": 1}, "inners": [{}, {"word": 1}, 5], "many": ["a", 1, None]}

    assert faults_of(fields) == ["inner.small", "inner.other", "inners[1].word", "inners[2]", "many[1]", "many[2]"]


def test_null_leaves_a_field_unset_but_is_named_in_the_mask():
    message, paths, faults = read({"text": None, "inner": None, "time": None, "many": None})

    assert (message.ListFields(), faults) == ([], [])
    assert paths == ["text", "inner", "time", "many"]


def test_null_is_a_value_where_anything_goes():
    message, _, _ = read({"anything": None})

    assert message.anything.WhichOneof("kind") == "null_value"


def test_an_empty_object_and_the_epoch_are_there():
    message, _, _ = read({"inner": {}, "others": {}, "list": [], "time": "1970-01-01T00:00:00Z"})

    assert {field.name for field, _ in message.ListFields()} == {"inner", "others", "list", "time"}


def test_both_names_of_a_field_at_once_are_refused():
    assert faults_of({"bigNumber": 1, "big_number": 2}) == ["big_number"]


@pytest.mark.requirement(11)
def test_an_unknown_key_is_refused_unless_the_service_ignores_them():
    assert faults_of({"text": "a", "other": 1}) == ["other"]
    assert faults_of({"text": "a", "other": 1, "inner": {"else": 2}}, ignores_unknown=True) == []


def test_a_very_long_unknown_key_is_named_by_its_beginning():
    assert faults_of({"k" * 5000: 1}) == ["k" * 64]


def test_a_key_that_the_path_overrules_is_dropped_by_either_name():
    message, _, faults = read({"bigNumber": "not even a number", "text": "a"}, overruled=["big_number"])

    assert (message.big_number, message.text, faults) == (0, "a", [])


def test_keys_of_a_flattened_message_stand_beside_the_others():
    kind = user_pb2.User.DESCRIPTOR

    message, paths, faults = read({"name": "Ann", "companyName": "A", "foundedYear": None}, kind)

    assert (message.profile.company_name, faults) == ("A", [])
    assert paths == ["name", "profile.company_name", "profile.founded_year"]
    assert faults_of({"profile": {"companyName": "A"}}, kind) == ["profile"]


def test_a_flattened_message_that_nobody_sent_stays_unset():
    message, _, _ = read({"name": "Ann", "companyName": None}, user_pb2.User.DESCRIPTOR)

    assert not message.HasField("profile")


def test_a_flattened_struct_takes_every_unknown_key():
    sent = {"userId": "1", "user_id": 66748, "extras": {"a": [1, None]}, "access-token": "x", "expires_at": 5}

    message, _, faults = read(sent, adapter_pb2.Account.DESCRIPTOR)

    assert faults == []
    assert (message.user_id, message.expires_at) == ("1", 5)
    assert json_format.MessageToDict(message.extras) == {
        "user_id": 66748.0,
        "extras": {"a": [1.0, None]},
        "access-token": "x",
    }


def nested(depth, *, in_lists=False):
    value = "deep"
    for _ in range(depth):
        value = [value] if in_lists else {"a": value}
    return value


@pytest.mark.requirement(11)
@pytest.mark.parametrize("key", ["others", "anything"])
def test_json_that_is_nested_too_deep_is_refused(key):
    assert faults_of({key: nested(500)}) == [key]


@pytest.mark.parametrize("in_lists", [True, False])
def test_json_as_deep_as_is_taken_can_be_sent_on(in_lists):
    deep = {"userId": "1", "deep": nested(DEPTH_LIMIT - 1, in_lists=in_lists)}

    message, _, faults = read(deep, adapter_pb2.Account.DESCRIPTOR)

    assert faults == []
    request = adapter_service_pb2.LinkAccountRequest(account=message)
    assert adapter_service_pb2.LinkAccountRequest.FromString(request.SerializeToString()) == request
    assert faults_of(deep | {"deep": {"a": deep["deep"]}}, adapter_pb2.Account.DESCRIPTOR) == ["deep"]


def test_a_message_within_itself_is_refused_at_start():
    kind = a_message([a_field("inner", of="built.Inner")], Inner=[a_field("inner", of="built.Inner")])

    with pytest.raises(ValueError, match=r"built\.Inner"):
        MessageReader(kind, ignores_unknown=False)


def test_two_fields_with_one_key_are_refused_at_start():
    kind = a_message([a_field("word"), a_field("inner", of="built.Inner", flatten=True)], Inner=[a_field("word")])

    with pytest.raises(ValueError, match="another field"):
        MessageReader(kind, ignores_unknown=False)


@pytest.mark.parametrize(
    "body", [b"{", b'{"a": ', b"\xff", b'{"a": NaN}', b'{"a": "\\ud800"}', b"{} {}", b"\xef\xbb\xbf{}"]
)
def test_what_is_no_json_is_refused_as_such(body):
    with pytest.raises(RefusedError) as refusal:
        object_of(body)

    assert refusal.value.reason == "JSON_INVALID"


@pytest.mark.parametrize("body", [b"[]", b"null", b'"a"', b"5"])
def test_json_that_is_no_object_is_refused(body):
    with pytest.raises(RefusedError) as refusal:
        object_of(body)

    assert refusal.value.reason == "REQUEST_INVALID"


def test_an_empty_body_is_an_empty_object():
    assert object_of(b"") == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from([name for field in KIND.fields for name in (field.name, field.json_name)]) | st.text()


@pytest.mark.requirement(11)
@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_any_json_is_read_or_refused_and_can_be_sent_on(fields):
    message, _, _ = read(fields)

    assert GetMessageClass(KIND).FromString(message.SerializeToString()) == message


@given(st.builds(auth_service_pb2.LoginRequest, email=st.text(), password=st.text()))
def test_what_protobuf_writes_is_read_as_the_same_message(message):
    written = json_format.MessageToDict(message)

    assert read(written, message.DESCRIPTOR)[0] == message


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_is_read_as_it_is(number):
    message, _, _ = read({"real": number})

    assert math.copysign(1, message.real) == math.copysign(1, number)
    assert message.real == number
