import json

import orjson
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from gatepost.v1 import adapter_pb2, auth_service_pb2, keys_service_pb2, user_pb2
from http_gateway.json.reading import MessageReader
from http_gateway.json.writing import writer_of
from tests.contract.built import a_field, a_message

PROFILE_KEYS = [field.json_name for field in user_pb2.Profile.DESCRIPTOR.fields]


def written(message):
    """The message as a client gets it."""
    return json.loads(orjson.dumps(writer_of(message.DESCRIPTOR)(message)))


def test_a_user_has_every_key_in_the_order_of_the_contract():
    user = written(user_pb2.User(id="1", name="Ann"))

    first = ["id", "name", "email", "emailVerified", "image"]
    assert list(user) == [*first, *PROFILE_KEYS, "created_at", "updated_at", "locale"]
    assert (user["id"], user["name"], user["email"], user["companyName"]) == ("1", "Ann", None, None)


def test_a_flattened_message_stands_beside_the_others():
    user = user_pb2.User(profile=user_pb2.Profile(company_name="A", founded_year=0))

    assert written(user)["companyName"] == "A"
    assert written(user)["foundedYear"] == 0
    assert written(user)["about"] is None


def test_a_64_bit_integer_is_a_number():
    tokens = auth_service_pb2.BackendTokens(expires_in=1_790_000_000_123)

    assert written(tokens)["expiresIn"] == 1_790_000_000_123


def test_an_empty_string_that_is_set_is_no_null():
    assert written(user_pb2.User(name=""))["name"] == ""


def test_what_is_unset_is_left_out_where_the_message_says_so():
    assert written(keys_service_pb2.JsonWebKey(kty="OKP", kid="1")) == {"kty": "OKP", "kid": "1"}


def test_an_empty_list_is_a_list():
    assert written(keys_service_pb2.GetJsonWebKeySetResponse()) == {"keys": []}


def test_a_strangers_key_never_stands_for_one_of_the_contract():
    account = adapter_pb2.Account(user_id="1", provider="x")
    account.extras.update({"userId": "2", "access_token": "stolen", "user_id": 5, "extras": None})

    answer = written(account)

    assert (answer["userId"], answer["access_token"]) == ("1", None)
    assert (answer["user_id"], answer["extras"]) == (5, None)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (3.0, "3"),
        (-0.0, "0"),
        (2.5, "2.5"),
        (1e15, "1000000000000000"),
        (1e18, "1000000000000000000"),
        (1e300, "1e+300"),
    ],
)
def test_a_whole_number_of_a_struct_is_written_as_an_integer(number, text):
    account = adapter_pb2.Account()
    account.extras["n"] = number

    assert f'"n":{text}}}' in orjson.dumps(writer_of(account.DESCRIPTOR)(account)).decode()


def test_scalars_of_all_kinds_are_written_as_proto3_json_has_them():
    kind = a_message([a_field("raw", Field.TYPE_BYTES), a_field("raws", Field.TYPE_BYTES, repeated=True)])
    message = GetMessageClass(kind)(raw=b"\xfb\xff", raws=[b"a"])

    assert written(message) == {"raw": "+/8=", "raws": ["YQ=="]}


def test_a_message_within_itself_is_refused_at_start():
    kind = a_message([a_field("inner", of="built.Inner")], Inner=[a_field("inner", of="built.Inner")])

    with pytest.raises(ValueError, match=r"built\.Inner"):
        writer_of(kind)


def test_two_fields_with_one_key_are_refused_at_start():
    kind = a_message([a_field("word"), a_field("inner", of="built.Inner", flatten=True)], Inner=[a_field("word")])

    with pytest.raises(ValueError, match="another field"):
        writer_of(kind)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=20,
)
ACCOUNT_KEYS = {field.json_name for field in adapter_pb2.Account.DESCRIPTOR.fields}


@given(st.dictionaries(st.text().filter(lambda key: key not in ACCOUNT_KEYS), JSON, max_size=5))
def test_what_a_provider_sent_comes_back_as_it_was(others):
    account, faults = adapter_pb2.Account(), []
    reader = MessageReader(account.DESCRIPTOR, ignores_unknown=True)

    reader.read({"userId": "1", **others}, account, "", faults)

    assert faults == []
    answer = written(adapter_pb2.Account.FromString(account.SerializeToString()))
    assert {key: value for key, value in answer.items() if key not in ACCOUNT_KEYS} == others


TEXTS = st.none() | st.text()
PROFILES = st.builds(
    user_pb2.Profile,
    company_name=TEXTS,
    annual_operating_budget=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    founded_year=st.none() | st.integers(-(2**31), 2**31 - 1),
)


@given(st.builds(user_pb2.User, id=st.text(), name=TEXTS, email=TEXTS, profile=PROFILES))
def test_a_user_that_is_written_is_read_as_the_same_user(user):
    found, faults = user_pb2.User(), []

    MessageReader(user.DESCRIPTOR, ignores_unknown=False).read(written(user), found, "", faults)

    assert faults == []
    if not user.profile.ListFields():
        user.ClearField("profile")  # as empty as none: their keys are all null
    assert found == user


@given(st.builds(adapter_pb2.AdapterUser, id=st.text(), name=TEXTS, email=TEXTS, image=TEXTS))
def test_what_is_set_is_written_as_protobuf_would(user):
    theirs = json_format.MessageToDict(user, always_print_fields_with_no_presence=True)

    ours = {key: value for key, value in written(user).items() if value is not None}

    assert ours == theirs
